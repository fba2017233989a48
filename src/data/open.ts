import type { Context } from "../core/context.ts";
import type { DataReader } from "../core/data-reader.ts";
import { CacheUnavailable } from "../core/faults.ts";
import { logKeysOfPurge, type LogKey, type PurgeTargets } from "../core/invalidation-key.ts";
import type { Invalidate } from "../engine/invalidation-retry.ts";
import type { Cache } from "./strata.ts";

export interface OpenParts {
  readonly readerOf: (ctx: Context) => DataReader;
  readonly invalidate: Invalidate;
}

/** Returns the cache of one piece of work. */
export function openCache({ readerOf, invalidate }: OpenParts, ctx: Context): Cache {
  async function purge(targets: PurgeTargets): Promise<void> {
    const logKeys: readonly LogKey[] = logKeysOfPurge(targets);
    if (logKeys.length === 0) return;
    const done = await invalidate(logKeys, ctx);
    if (!done.ok) throw new CacheUnavailable(done.fault);
  }

  return {
    ...readerOf(ctx),
    invalidate: (...keys) => purge({ keys }),
    invalidateTags: (...tags) => purge({ tags }),
    purge,
  };
}
