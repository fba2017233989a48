/** Reads many keys at once. Each is a lookup of its own; their requests are made together. */
import { freshnessOf, type LoadResult } from "../core/entry.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Policy } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { Lookup } from "../core/lookup.ts";
import { createBatchSteps, type BatchPorts } from "./batch-steps.ts";
import { emitLookupEnd, lookupOf, type Lookups, type MemoryResult } from "./lookup.ts";
import type { FreshnessOf, LoadTask, LookupRequest } from "./lookup-request.ts";

/** The maximum number of keys in a batch. They are sent in one script call. */
const MAX_BATCH = 500;

const NOT_STORED: LoadResult = { storable: false };

/**
 * Loads many keys with one call. The result for a key that is missing from the returned map may not
 * be stored.
 */
export type BatchLoader = (
  keys: readonly string[],
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, LoadResult>>;

export interface Batch {
  /**
   * Looks up all keys. @throws {CacheUnavailable} if no tier has a value for one of the keys and
   * the origin fails.
   */
  lookupMany(
    keys: readonly string[],
    policy: Policy,
    load: BatchLoader,
    ctx: Context,
    freshnessOf?: FreshnessOf,
  ): Promise<ReadonlyMap<string, Lookup>>;
}

/** A read of the batch. */
interface Member {
  readonly request: LookupRequest;
  readonly task: LoadTask;
}

export function createBatch(lookups: Lookups, ports: BatchPorts): Batch {
  const { readMemory, lookUpBehindMemory, wantsRefresh } = lookups;

  /** Looks up what memory could not answer. The lookups of the batch make their requests together. */
  function lookUpAll(results: readonly MemoryResult[], members: readonly Member[]) {
    const steps = createBatchSteps(ports);
    const looking = members.map(async ({ request }, i) => {
      const result = results[i] ?? request;
      return "kind" in result
        ? lookupOf(request.key, result, true)
        : lookUpBehindMemory(result, steps.run);
    });
    steps.open();
    return Promise.allSettled(looking);
  }

  /** Refreshes entries in the background. Redis is asked first, as it is for each refresh. */
  function startRefreshes(due: readonly (Member & { readonly answer: Lookup })[]): void {
    if (due.length === 0) return;
    ports.loads.outside(() => {
      const steps = createBatchSteps(ports);
      for (const { request, task, answer } of due)
        lookups.startRefresh(request, task, answer, steps.run);
      steps.open();
    });
  }

  return {
    async lookupMany(keys, policy, load, ctx, freshnessFor = freshnessOf) {
      const unique = [...new Set(keys)];
      if (unique.length > MAX_BATCH)
        throw new DefinitionError("keys", `at most ${MAX_BATCH} in a batch`);
      const loadOne = loadTogether(load, unique);
      const members = unique.map((key): Member => {
        const task: LoadTask = {
          load: (signal) => loadOne(key, signal),
          freshnessOf: freshnessFor,
        };
        return { task, request: lookups.createRequest(key, policy, task, ctx) };
      });
      const results = await Promise.all(members.map(async ({ request }) => readMemory(request)));
      const settled = await lookUpAll(results, members);
      // A key without a value fails the batch, but the lookups that ended are reported in any case.
      const ended = members.flatMap((member, i) => {
        const end = settled[i];
        return end?.status === "fulfilled" ? [{ ...member, answer: end.value }] : [];
      });
      startRefreshes(ended.filter(({ answer, request }) => wantsRefresh(answer, request)));
      for (const { answer } of ended) emitLookupEnd(answer, ctx);
      const failed = settled.find((end) => end.status === "rejected");
      if (failed !== undefined) throw failed.reason;
      return new Map(ended.map(({ answer }) => [answer.key, answer]));
    },
  };
}

/**
 * Loads the keys that are asked for in the same turn with one call, in the order in which the batch
 * names them.
 */
function loadTogether(
  load: BatchLoader,
  keys: readonly string[],
): (key: string, signal: AbortSignal) => Promise<LoadResult> {
  let next: { readonly asked: Set<string>; readonly loaded: ReturnType<BatchLoader> } | undefined;

  async function loadNext(asked: ReadonlySet<string>, signal: AbortSignal) {
    await Promise.resolve();
    next = undefined;
    return load(
      keys.filter((key) => asked.has(key)),
      signal,
    );
  }

  return async (key, signal) => {
    if (next === undefined) {
      const asked = new Set<string>();
      next = { asked, loaded: loadNext(asked, signal) };
    }
    next.asked.add(key);
    return (await next.loaded).get(key) ?? NOT_STORED;
  };
}
