import type { WithTimeout } from "../core/deadline.ts";
import { shardOf } from "../core/hash.ts";
import type { MetricsPort } from "../core/metrics.ts";
import type { Millis } from "../core/time.ts";
import type { MetricsShardRpc } from "./metrics-shard.ts";

export interface MetricsPortOptions {
  /**
   * Creates a stub for the object with this name. Each call creates a new stub, because a stub
   * cannot be used again after an error.
   */
  readonly stub: (name: string) => MetricsShardRpc;
  readonly namespace: string;
  /** The number of objects over which the reports are distributed. */
  readonly shards: number;
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** Implements `MetricsPort` with calls to the MetricsShard objects. */
export function createMetricsPort(options: MetricsPortOptions): MetricsPort {
  const { stub, namespace, shards, timeoutMs, withTimeout } = options;
  const shard = (index: number): MetricsShardRpc => stub(`${namespace}-metrics-${index}`);

  const ofAll = <T>(ask: (stub: MetricsShardRpc) => Promise<T>): Promise<T[]> =>
    Promise.all(
      Array.from({ length: shards }, (_, index) => withTimeout(ask(shard(index)), timeoutMs)),
    );

  return {
    // An isolate always reports to the same object, because that object knows the isolate's last sequence.
    report: (report) =>
      withTimeout(shard(shardOf(report.isolate, shards)).report(report), timeoutMs),
    snapshots: () => ofAll((stub) => stub.snapshot()),
    histories: () => ofAll((stub) => stub.history()),
    sketches: () => ofAll((stub) => stub.sketches()),
  };
}
