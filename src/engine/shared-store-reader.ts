/** Reads of Redis: entries and the log in one request, and what the one says of the other. */
import { verifiedCopy, type Entry } from "../core/entry.ts";
import { verdictByNumbers, type LogAnswer } from "../core/log.ts";
import type { Context } from "../core/context.ts";
import type { SharedStore, Verified } from "../core/shared-store.ts";
import type { Coherence } from "./coherence.ts";

/** What Redis holds of a key: an entry that is valid at this moment, or one that the log has ended. */
export interface Found {
  readonly entry?: Entry;
  readonly invalidatedEntry?: Entry;
}

export interface SharedReader {
  /** What Redis holds of the keys, in their order. */
  read(keys: readonly string[], ctx: Context): Promise<readonly Found[] | "unreachable">;
}

const NOTHING: Found = {};

export function createSharedReader(store: SharedStore, coherence: Coherence): SharedReader {
  function verify(verified: Verified, log: LogAnswer, ctx: Context): Found {
    const { entry } = verified;
    const verdict = verdictByNumbers(entry, verified, log);
    // A number noted here and not yet seen in the log: this isolate's own write.
    const dead = coherence.verdictOf(entry) === "invalidated";
    if (!dead && (verdict === "valid" || verdict === "soft"))
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
      if (!(await coherence.applyLog(log, ctx, newestOf(found, log))))
        return keys.map(() => NOTHING);
      return found.map((verified) => (verified ? verify(verified, log, ctx) : NOTHING));
    },
  };
}

/** The entry that knows most of this life of the log. */
function newestOf(found: readonly (Verified | undefined)[], log: LogAnswer): Entry | undefined {
  const entries = found.flatMap((verified) => verified?.entry ?? []);
  return entries
    .filter(({ era }) => era === log.era)
    .reduce<Entry | undefined>(
      (newest, entry) => (newest === undefined || entry.asOf > newest.asOf ? entry : newest),
      undefined,
    );
}
