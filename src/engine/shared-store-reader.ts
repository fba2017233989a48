/** Reads entries and the log from Redis in one request, and validates the entries by the log. */
import { verifiedCopy, type Entry } from "../core/entry.ts";
import { verdictByNumbers, type LogAnswer } from "../core/log.ts";
import type { Context } from "../core/context.ts";
import type { SharedStore, Verified } from "../core/shared-store.ts";
import type { Coherence } from "./coherence.ts";

/** The content of Redis under a key: an entry that is valid at this moment, or an invalidated entry. */
export interface Found {
  readonly entry?: Entry;
  readonly invalidatedEntry?: Entry;
}

export interface SharedReader {
  /** Returns the content of Redis under the keys, in the order of the keys. */
  read(keys: readonly string[], ctx: Context): Promise<readonly Found[] | "unreachable">;
}

const NOTHING: Found = {};

export function createSharedReader(store: SharedStore, coherence: Coherence): SharedReader {
  function validate(verified: Verified, log: LogAnswer, ctx: Context): Found {
    const { entry } = verified;
    const verdict = verdictByNumbers(entry, verified, log);
    // The log view also knows the invalidations of this isolate, which may not be in the log yet.
    const isInvalidatedHere = coherence.verdictOf(entry) === "invalidated";
    if (!isInvalidatedHere && (verdict === "valid" || verdict === "soft"))
      return {
        entry: verifiedCopy(entry, log.seq ?? entry.asOf, verdict === "soft", ctx.now()),
      };
    const reason = verdict === "era" || verdict === "floor" ? verdict : "invalidated";
    ctx.emit({ type: "entry.reject", key: entry.key, tier: "redis", reason });
    return { invalidatedEntry: entry };
  }

  return {
    async read(keys, ctx) {
      const answer = await store.read(keys, coherence.since(), ctx);
      if (!answer.ok) {
        coherence.recordFailure(answer.fault, ctx);
        return "unreachable";
      }
      const { found, log } = answer.value;
      const entries = found.flatMap((verified) => verified?.entry ?? []);
      if (!(await coherence.applyLog(log, ctx, entries))) return keys.map(() => NOTHING);
      return found.map((verified) => (verified ? validate(verified, log, ctx) : NOTHING));
    },
  };
}
