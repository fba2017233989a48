/**
 * The steps behind memory for the reads of one batch. They are the steps of a single read, but the
 * requests to Redis and the calls of the loader are made for all reads together.
 */
import { done } from "../core/faults.ts";
import type { LoadResult } from "../core/entry.ts";
import type { Policy } from "../core/policy.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { RunLookup } from "./coalescer.ts";
import { createGather, type Gather } from "./gather.ts";
import { callFor, type CallLoader } from "./load.ts";
import type { LookupRequest } from "./lookup-request.ts";
import { createLookUpTiers, type TierPorts } from "./lookup-tiers.ts";
import type { CallOrigin } from "./origin-call.ts";
import type { SharedReader } from "./shared-reader.ts";
import type { SharedTurns } from "./shared-turns.ts";

export interface BatchPorts extends TierPorts {
  readonly shared: SharedReader | undefined;
  /** Makes one request of the reads of a batch. Undefined if the shared store holds no entries. */
  readonly gatherReads?:
    | ((shared: SharedReader, gather: Gather) => SharedTurns["join"])
    | undefined;
  /** Makes one request of the writes of a batch. Undefined if the shared store holds no entries. */
  readonly gatherWrites?:
    | ((store: SharedStore, gather: Gather) => SharedStore["write"])
    | undefined;
  readonly callOrigin: CallOrigin;
}

export interface BatchSteps {
  /** Makes the steps behind memory for one read of the batch. */
  readonly run: RunLookup;
  /** All reads of the batch have begun. Before this, no request is sent. */
  open(): void;
}

/** Creates the steps for one batch. */
export function createBatchSteps(ports: BatchPorts): BatchSteps {
  const gather = createGather();
  const lookUpTiers = createLookUpTiers({
    ...ports,
    // The order of these three is the order of their requests.
    store: withGatheredWrites(ports, gather),
    joinTurn: ports.shared && ports.gatherReads?.(ports.shared, gather),
    callLoader: gatherLoads(ports.callOrigin, gather),
    gather,
    asksRedisFirst: true,
  });
  return {
    run: (request) =>
      gather.run(request.key, () =>
        lookUpTiers({ ...request, policy: withoutEdge(request.policy) }),
      ),
    open: gather.open,
  };
}

function withGatheredWrites({ store, gatherWrites }: BatchPorts, gather: Gather): SharedStore {
  return gatherWrites === undefined ? store : { ...store, write: gatherWrites(store, gather) };
}

/** A batch does not use the edge, because the Cache API has no batches. */
function withoutEdge(policy: Policy): Policy {
  if (!policy.tiers.has("edge")) return policy;
  return { ...policy, tiers: new Set([...policy.tiers].filter((tier) => tier !== "edge")) };
}

/** Loads the keys of all reads with one call of the origin. */
function gatherLoads(callOrigin: CallOrigin, gather: Gather): CallLoader {
  type Called = Awaited<ReturnType<CallLoader>>;
  interface Load {
    readonly key: string;
    readonly request: LookupRequest;
    readonly load: (signal: AbortSignal) => Promise<LoadResult>;
  }
  const loadAll = gather.step(
    "frees",
    async (loads: readonly [Load, ...Load[]]): Promise<Called[]> => {
      const logReachable = loads.some(({ request }) => request.logReachable);
      const isAbandoned = (): boolean => loads.every(({ request }) => request.isAbandoned());
      const request = { ...loads[0].request, logReachable, isAbandoned };
      const called = await callFor(callOrigin, request, (signal) =>
        Promise.all(loads.map(({ load }) => load(signal))),
      );
      if (!called.ok) return loads.map(() => called);
      const { loaded, stamp } = called.value;
      return loaded.map((one) => done({ loaded: one, stamp }));
    },
  );
  return (request, load) => loadAll({ key: request.key, request, load });
}
