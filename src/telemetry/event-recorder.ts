import type { CacheEvent } from "../core/events.ts";
import type { Clock } from "../core/time.ts";
import type { Meter } from "./metrics/meter.ts";
import { addMoment, type RequestRecord, type StepRecord } from "./traces/request-record.ts";
import type { TopKeys } from "./metrics/top-keys.ts";

export interface RecorderOptions {
  readonly meter: Meter;
  readonly now: Clock;
  readonly hot: TopKeys;
  readonly missed: TopKeys;
  /** What stands for a key in telemetry. */
  readonly nameKey: (key: string) => string;
  readonly addStep: (record: RequestRecord, step: StepRecord) => void;
}

/** Takes every event of the cache into the metrics, and into the record of its request if there is one. */
export type Recorder = (event: CacheEvent, record: RequestRecord | undefined) => void;

const flag = (value: boolean): string => (value ? "true" : "");

export function createRecorder(options: RecorderOptions): Recorder {
  const { meter, now, hot, missed, nameKey, addStep } = options;

  function lookup(
    event: Extract<CacheEvent, { type: "lookup.end" }>,
    record: RequestRecord | undefined,
  ): void {
    const { key, status, negative, unreachable } = event;
    meter.add("cache.lookups", 1, status, flag(negative), flag(unreachable));
    hot.add(key);
    if (status === "stale") meter.add("cache.stale", 1, "stale-while-revalidate");
    if (status === "stale-on-error") meter.add("cache.stale", 1, "stale-if-error");
    if (status === "joined") meter.add("cache.joins", 1);
    if (status === "miss" || status === "joined" || status === "bypass") missed.add(key);
    else if (negative) meter.add("cache.negative.hits", 1, status);
    if (record === undefined) return;
    record.key = key;
    record.cache = status;
    record.negative = negative;
    record.unreachable ||= unreachable;
    if (status === "stale" || status === "stale-on-error")
      addMoment(record, { name: "cache.stale", at: now(), detail: status });
  }

  function step(
    { step, ms, outcome }: Extract<CacheEvent, { type: "step.end" }>,
    record: RequestRecord | undefined,
  ): void {
    meter.record("cache.step.duration", ms / 1000, step, outcome);
    // Redis, SQL and flights tell more of themselves by events of their own.
    if (record === undefined || (step !== "edge" && step !== "origin")) return;
    addStep(record, {
      kind: step,
      name: `cache.${step}`,
      endedAt: now(),
      ms,
      outcome,
      spanId: "",
      amount: 0,
    });
  }

  return (event, record) => {
    switch (event.type) {
      case "lookup.end":
        return lookup(event, record);
      case "step.end":
        return step(event, record);
      case "load.end":
        meter.add("cache.origin.loads", 1, event.outcome);
        meter.record("cache.origin.load.duration", event.ms / 1000, event.outcome);
        if (event.bytes !== undefined) meter.record("cache.entry.size", event.bytes);
        return undefined;
      case "redis.end": {
        const { operation, command, commands, ms, outcome } = event;
        const error = outcome === "ok" ? "" : outcome;
        meter.record("db.client.operation.duration", ms / 1000, "redis", command, error);
        meter.add("cache.redis.commands", commands, command);
        if (record === undefined) return undefined;
        record.redisRequests += 1;
        record.redisCommands += commands;
        return addStep(record, {
          kind: "redis",
          name: `${command} ${operation}`,
          endedAt: now(),
          ms,
          outcome,
          spanId: "",
          amount: commands,
        });
      }
      case "durable.end": {
        const { method, ms, outcome, spanId } = event;
        meter.add("cache.durable_object.calls", 1, method, outcome.includes(".") ? outcome : "");
        if (record === undefined) return undefined;
        record.durableCalls += 1;
        return addStep(record, {
          kind: "flight",
          name: method,
          endedAt: now(),
          ms,
          outcome,
          spanId,
          amount: 0,
        });
      }
      case "fault.raise": {
        const { code } = event.fault;
        const [dependency = ""] = code.split(".");
        meter.add("cache.faults", 1, dependency, code);
        if (record !== undefined)
          addMoment(record, { name: "cache.fault", at: now(), detail: code });
        return undefined;
      }
      case "entry.reject":
        meter.add("cache.rejections", 1, event.tier, event.reason);
        if (record !== undefined)
          addMoment(record, {
            name: "cache.reject",
            at: now(),
            detail: `${event.tier} ${event.reason} ${nameKey(event.key)}`,
          });
        return undefined;
      case "refresh.start":
        meter.add("cache.refreshes", 1);
        if (record !== undefined)
          addMoment(record, { name: "cache.refresh", at: now(), detail: "" });
        return undefined;
      case "log.apply":
        meter.add("cache.log.answers", 1, event.outcome);
        if (event.lagMs !== undefined)
          meter.record("cache.purge.lag", Math.max(0, event.lagMs) / 1000);
        return undefined;
      case "invalidation.end":
        meter.add("cache.purges", 1, event.outcome);
        meter.add("cache.purge.members", event.logKeys);
        return undefined;
    }
  };
}
