/** Write-through: what was written becomes the entry, without a load. */
import type { LogPosition } from "../core/entry.ts";
import type { Policy } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { Invalidation } from "../core/invalidator.ts";
import { derivedInvalidationKeys, invalidationKeyOfTag } from "../core/invalidation-key.ts";
import type { Engine } from "../engine/lookup.ts";

/** The entry that a write makes. */
export interface Through {
  readonly key: string;
  readonly policy: Policy;
  /** What a load would have given: JSON. */
  readonly value: unknown;
  /** The tags that a load would have added. */
  readonly tags: readonly string[];
}

export interface WriteThrough {
  /** What is known before the commit begins. */
  moment(): LogPosition;
  /**
   * Stores the value as of the write's own number; unless another write to the same
   * names was numbered since `before`: whose value is the later one is not known then,
   * and the next reader loads it. Returns whether it stored.
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
}

export function createWriteThrough({ engine, etagOf }: WriteThroughOptions): WriteThrough {
  return {
    moment: engine.logPosition,
    async put({ key, policy, value, tags }, before, invalidation, ctx) {
      const { seq, era, previous } = invalidation;
      if (era !== before.era || previous > before.asOf) return false;
      const now = ctx.now();
      const body = JSON.stringify(value);
      const members = [...derivedInvalidationKeys(key), ...tags.map(invalidationKeyOfTag)];
      engine.put(
        key,
        policy,
        { storable: true, kind: "value", body, etag: await etagOf(body), members },
        { asOf: seq, era, startedAt: now, storedAt: now },
        ctx,
      );
      return true;
    },
  };
}
