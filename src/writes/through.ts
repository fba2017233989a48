/** Write-through: the written value is stored as the entry, without a load. */
import type { LogPosition } from "../core/entry.ts";
import type { Policy } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { Invalidation } from "../core/invalidator.ts";
import {
  derivedInvalidationKeys,
  invalidationKeyOfTag,
  logKeysOfEntry,
  type LogKey,
} from "../core/invalidation-key.ts";
import { jsonTextOf } from "../core/json-text.ts";
import type { Engine } from "../engine/engine.ts";

/** The entry that a write stores. */
export interface Through {
  /** The key of the entry that the write stores. */
  readonly key: string;
  /** The policy of the reads of this key. */
  readonly policy: Policy;
  /** The value that a load would return. It is a JSON value. */
  readonly value: unknown;
  /** The tags that a load would add. */
  readonly tags: readonly string[];
}

/**
 * Returns the log keys of the entry that a write stores, hard and soft. The invalidation of the
 * write watches them: if one of them got a number since `before`, the value may be outdated.
 */
export function logKeysOfThrough({ key, tags }: Through): LogKey[] {
  return logKeysOfEntry(key, tags.map(invalidationKeyOfTag));
}

/** Stores written values as entries, unless a later write or a purge may have made them old. */
export interface WriteThrough {
  /** Returns the log position of this isolate. Call it before the commit begins. */
  logPosition(): LogPosition;
  /**
   * Stores the value with the write's own number as `asOf`. It stores nothing if an invalidation
   * key of the write or of the entry got a number above `before`: the order of the value and of
   * that write or purge is then unknown, so the next lookup loads. The invalidation must have
   * watched `logKeysOfThrough`. Returns whether it stored the value.
   */
  put(
    through: Through,
    before: LogPosition,
    invalidation: Invalidation,
    ctx: Context,
  ): Promise<boolean>;
}

export interface WriteThroughOptions {
  readonly engine: Pick<Engine, "logPosition" | "put">;
  readonly etagOf: (body: string) => Promise<string>;
  /** Returns the text of a value. Default: JSON. */
  readonly textOf?: (value: unknown, key: string) => string;
  /** Called with the key of a written value before it is stored. */
  readonly admit?: ((key: string) => void) | undefined;
}

export function createWriteThrough({
  engine,
  etagOf,
  textOf = jsonTextOf,
  admit,
}: WriteThroughOptions): WriteThrough {
  return {
    logPosition: engine.logPosition,
    async put({ key, policy, value, tags }, before, invalidation, ctx) {
      const { seq, era, previous } = invalidation;
      if (era !== before.era || previous > before.asOf) return false;
      const now = ctx.now();
      const body = textOf(value, key);
      const invalidationKeys = [...derivedInvalidationKeys(key), ...tags.map(invalidationKeyOfTag)];
      admit?.(key);
      engine.put(
        key,
        policy,
        { storable: true, kind: "value", body, etag: await etagOf(body), invalidationKeys },
        { asOf: seq, era, startedAt: now, storedAt: now },
        ctx,
      );
      return true;
    },
  };
}
