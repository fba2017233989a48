/** Reads entries and the log from Redis in one request, and validates the entries by the log. */
import { verifiedCopy } from "../core/entry.ts";
import type { LogAnswer } from "../core/log.ts";
import { verdictByNumbers } from "../core/log-verdict.ts";
import { rejectionOf } from "../core/rejection.ts";
import type { Verified } from "../core/shared-store.ts";
import type { EpochMs } from "../core/time.ts";
import { NOTHING, type CreateSharedReader, type Found, type SharedRead } from "./shared-reader.ts";
import { validate } from "./validation.ts";

export const createEntryReader: CreateSharedReader = (store, coherence) => {
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
};
