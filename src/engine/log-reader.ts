/** The reads of a store that holds the log and no entries: each brings the log view up to date. */
import { MAX_CHANGES } from "../core/log.ts";
import { NOTHING, type CreateSharedReader } from "./shared-reader.ts";

export const createLogReader: CreateSharedReader = (store, coherence) => ({
  async read(reads) {
    const [{ ctx }] = reads;
    const log = await store.sync(coherence.since(), MAX_CHANGES, ctx);
    if (log.ok) {
      await coherence.applyLog(log.value, ctx);
      return reads.map(() => NOTHING);
    }
    coherence.recordFailure(log.fault, ctx);
    return "unreachable";
  },
});
