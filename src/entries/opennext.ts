/** The entry `strata/opennext`: overrides for Next.js on Workers with `@opennextjs/cloudflare`. It imports nothing of it. */
export {
  openNext,
  type OpenNextCacheType,
  type OpenNextEntry,
  type OpenNextIncrementalCache,
  type OpenNextOptions,
  type OpenNextTag,
  type OpenNextTagCache,
} from "../adapters/opennext.ts";
export {
  openNextQueue,
  type OpenNextMessage,
  type OpenNextQueue,
  type OpenNextQueueOptions,
} from "../adapters/opennext-queue.ts";
