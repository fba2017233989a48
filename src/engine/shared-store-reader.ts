/** Reads entries and the log from Redis in one request, and validates the entries by the log. */
import { verifiedCopy, type Entry } from "../core/entry.ts";
import type { LogAnswer } from "../core/log.ts";
import { verdictByNumbers } from "../core/log-verdict.ts";
import { rejectionOf } from "../core/rejection.ts";
import type { SharedStore, Verified } from "../core/shared-store.ts";
import type { EpochMs } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import type { Read } from "./lookup-request.ts";
import { validate, type Served } from "./validation.ts";

/** The content of Redis under a key: an entry that is valid at this moment, or an invalidated entry. */
export interface Found {
  readonly served?: Served;
  readonly invalidatedEntry?: Entry;
}

/** One read of the shared store. */
export type SharedRead = Pick<Read, "key" | "policy" | "startedAt" | "ctx">;

export interface SharedReader {
  /**
   * Returns the content of Redis under the keys of the reads, in their order, with one request. Each
   * entry is validated for its own read.
   */
  read(reads: readonly [SharedRead, ...SharedRead[]]): Promise<readonly Found[] | "unreachable">;
}

/** Returns the content of Redis under the key of a request. */
export type ReadShared = (read: SharedRead) => Promise<Found | "unreachable">;

export const NOTHING: Found = {};

export function createSharedReader(store: SharedStore, coherence: Coherence): SharedReader {
  function foundOf(verified: Verified, log: LogAnswer, sentAt: EpochMs, read: SharedRead): Found {
    const { ctx } = read;
    const { entry } = verified;
    const byNumbers = verdictByNumbers(entry, verified, log);
    const verdict = coherence.verdictOf(entry, byNumbers);
    const validation = validate(entry, verdict, "current", sentAt, read, ctx.now());
    if (validation.use === "serve") {
      const { entry: valid, onlyIfLoadFails } = validation;
      if (onlyIfLoadFails) return { served: validation };
      const copy = verifiedCopy(valid, log.seq ?? entry.asOf, false, ctx.now());
      return { served: { ...validation, entry: copy } };
    }
    const reason = validation.use === "drop" ? validation.reason : "unverified";
    ctx.emit(rejectionOf(entry, "redis", reason));
    return { invalidatedEntry: entry };
  }

  return {
    async read(reads) {
      const [{ ctx }] = reads;
      const keys = reads.map(({ key }) => key);
      const sentAt = ctx.now();
      const answer = await store.read(keys, coherence.since(), ctx);
      if (!answer.ok) {
        coherence.recordFailure(answer.fault, ctx);
        return "unreachable";
      }
      const { found, log } = answer.value;
      const entries = found.flatMap((verified) => verified?.entry ?? []);
      if (!(await coherence.applyLog(log, ctx, entries))) return keys.map(() => NOTHING);
      return reads.map((read, i) => {
        const one = found[i];
        return one === undefined ? NOTHING : foundOf(one, log, sentAt, read);
      });
    },
  };
}
