/** Many keys in one read: what memory holds, what others are fetching, and the rest together. */
import { freshnessOf } from "../core/entry.ts";
import { DefinitionError } from "../core/faults.ts";
import { keyProblem } from "../core/key.ts";
import type { Policy } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { Lookup } from "../core/lookup.ts";
import type { MemoryTier } from "../core/tier.ts";
import { emitLookupEnd, lookupOf } from "./lookup.ts";
import type { Coherence } from "./coherence.ts";
import type { BatchRequest, LoadBatch, ResolveMany } from "./load-many.ts";
import type { Coalescer, Resolved, SharedOutcome } from "./coalescer.ts";
import {
  beginRead,
  type StaleEntry,
  type LookupOutcome,
  type Read,
  type FreshnessOf,
} from "./lookup-request.ts";
import { serveStaleOnError } from "./stale-if-error.ts";
import { validateLocally, validate, logStateFor } from "./validation.ts";

/** Keys of one batch at most: they travel in one script call. */
const MAX_BATCH = 500;

export interface Batch {
  /** @throws {CacheUnavailable} if a key can be had from nowhere. */
  lookupMany(
    keys: readonly string[],
    policy: Policy,
    load: LoadBatch,
    ctx: Context,
    standing?: FreshnessOf,
  ): Promise<ReadonlyMap<string, Lookup>>;
}

export interface BatchOptions {
  readonly memory: MemoryTier;
  readonly coherence: Coherence;
  readonly coalescer: Coalescer;
  readonly takeOut: ResolveMany;
}

/** What memory has for a batch. */
interface Recalled {
  readonly answers: Map<string, Lookup>;
  /** Valid entries past their time, for when the origin fails. */
  readonly held: ReadonlyMap<string, StaleEntry>;
  readonly logReachable: boolean;
}

/** A read that no walk under way could serve. */
const UNSERVED = { kind: "unserved" } as const;

export function createBatch({ memory, coherence, coalescer, takeOut }: BatchOptions): Batch {
  async function recall(reads: readonly Read[], standing: FreshnessOf): Promise<Recalled> {
    const answers = new Map<string, Lookup>();
    const held = new Map<string, StaleEntry>();
    const present = reads.flatMap((read) => {
      const entry = read.policy.tiers.has("memory") ? memory.peek(read.key) : undefined;
      return entry === undefined ? [] : [{ read, entry }];
    });
    const [first] = present;
    if (first === undefined) return { answers, held, logReachable: true };
    const { policy, ctx } = first.read;
    const entries = present.map(({ entry }) => entry);
    const reach = await logStateFor(coherence, entries, first.read);
    for (const { read, entry } of present) {
      const { key } = read;
      let near = validateLocally(coherence, entry, policy, reach, ctx.now());
      // Redis will say, in the same request as of the others.
      if (near === "ask" && policy.tiers.has("redis")) continue;
      if (near === "ask") near = await validate(coherence, entry, read);
      if (near.use === "drop" && memory.peek(key) === entry) memory.remove(key);
      if (near.use !== "serve") continue;
      const { entry: found, unreachable } = near;
      const stands = standing(found, ctx.now());
      const status = stands === "fresh" ? "hit-memory" : "stale";
      if (stands === "fresh" || stands === "revalidate")
        answers.set(key, { key, status, tier: "memory", entry: found, unreachable, stored: false });
      if (stands === "error-only") held.set(key, { entry: found, unreachable });
    }
    return { answers, held, logReachable: reach === "current" };
  }

  /** Follows what is under way, takes out the rest, and then what following did not give. */
  async function fetch(
    reads: readonly Read[],
    company: BatchRequest,
  ): Promise<ReadonlyMap<Read, Resolved>> {
    const outcomes = new Map<Read, Resolved>();
    const land = (read: Read, outcome: LookupOutcome): void =>
      void outcomes.set(read, { outcome, own: true });
    const follows = (read: Read): boolean =>
      company.policy.flight !== "off" && coalescer.isRunning(read.key, read.ctx.now());
    const [others, own] = [reads.filter(follows), reads.filter((read) => !follows(read))];

    const late: Read[] = [];
    const accepts = (outcome: SharedOutcome): boolean => {
      if (outcome.kind === "failed") return true;
      const stands = company.standing(outcome.entry, company.ctx.now());
      return stands === "fresh" || stands === "revalidate";
    };
    const follow = async (read: Read): Promise<void> => {
      const outcome = await coalescer.follow(read, () => UNSERVED, accepts);
      if (outcome.kind === "unserved") late.push(read);
      else outcomes.set(read, { outcome, own: false });
    };
    await Promise.all([takeOut(own, company, land), ...others.map(follow)]);
    await takeOut(late, company, land);
    return outcomes;
  }

  function startRefresh(keys: readonly string[], company: BatchRequest): void {
    const { policy, ctx } = company;
    const idle = keys.filter((key) => !coalescer.isRunning(key, ctx.now()));
    for (const key of idle) ctx.emit({ type: "refresh.start", key });
    const reads = idle.map((key) => beginRead(key, policy, ctx));
    ctx.defer(
      takeOut(reads, { ...company, asksRedis: false, logReachable: true }, () => undefined),
    );
  }

  return {
    async lookupMany(keys, policy, load, ctx, standing = freshnessOf) {
      const unique = [...new Set(keys)];
      checkKeys(unique);
      const reads = unique.map((key) => beginRead(key, policy, ctx));
      const { answers, held, logReachable } = await recall(reads, standing);
      const asksRedis = policy.tiers.has("redis");
      const company = { policy, ctx, load, standing, logReachable, asksRedis };
      const missing = reads.filter(({ key }) => !answers.has(key));
      try {
        for (const [read, { outcome, own }] of await fetch(missing, company)) {
          const { key } = read;
          const reader = { ...read, freshnessOf: standing };
          if (outcome.kind !== "failed") answers.set(key, lookupOf(key, outcome, own));
          else {
            const old = [held.get(key), outcome.fallback];
            answers.set(key, await serveStaleOnError(coherence, reader, old, outcome.fault));
          }
        }
      } finally {
        // Also where another key can be had from nowhere: what was found was looked up.
        for (const lookup of answers.values()) emitLookupEnd(lookup, ctx);
      }
      const stale = [...answers.values()].filter(({ status }) => status === "stale");
      startRefresh(
        stale.map(({ key }) => key),
        company,
      );
      return answers;
    },
  };
}

function checkKeys(keys: readonly string[]): void {
  if (keys.length > MAX_BATCH) throw new DefinitionError("keys", `at most ${MAX_BATCH} in a batch`);
  for (const key of keys) {
    const problem = keyProblem(key);
    if (problem !== undefined) throw new DefinitionError("key", problem);
  }
}
