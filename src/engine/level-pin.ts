/**
 * The level that an operator has pinned. Redis keeps it, and each isolate reads it as an entry of the
 * cache: the log tells all isolates within 5 s that it has changed, and a read of it
 * costs nothing while it has not.
 */
import { readPin, writePin, type Pin, type PinStore } from "../core/degradation.ts";
import type { WithTimeout } from "../core/deadline.ts";
import type { LoadResult } from "../core/entry.ts";
import { CacheUnavailable, done } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import { definePolicy } from "../core/policy.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import type { Engine } from "./engine.ts";

const KEY = "strata:pin";
const POLICY = definePolicy({
  freshFor: "10m",
  negativeFor: "10m",
  tiers: ["memory"],
  flight: "isolate",
  // A level may reach an idle isolate late, so that its next write does not wait for the log.
  coherence: "5s",
  unreachableFor: "1h",
});
/** A request waits this long for a pin that this isolate does not hold. After that, the last one counts. */
const WAIT_MS: Millis = 80;

export interface LevelPinOptions {
  readonly store: PinStore;
  readonly engine: Pick<Engine, "lookup">;
  readonly invalidator: Pick<Coherence, "invalidate" | "markInvalidated" | "unmark">;
  readonly withTimeout: WithTimeout;
}

export interface LevelPin {
  known(at: EpochMs): Pin | undefined;
  refresh(ctx: Context): Promise<void>;
  set(pin: Pin | undefined, ctx: Context): Promise<Result<void>>;
}

export function createLevelPin(options: LevelPinOptions): LevelPin {
  const { store, engine, invalidator, withTimeout } = options;
  let text = "";

  async function load(): Promise<LoadResult> {
    const found = await store.load();
    if (!found.ok) throw new CacheUnavailable(found.fault);
    const body = found.value ?? "";
    const kind = body === "" ? "absent" : "value";
    return { storable: true, kind, body, etag: "", invalidationKeys: [] };
  }

  return {
    known: (at) => readPin(text, at),

    async refresh(ctx) {
      try {
        const looking = engine.lookup(KEY, POLICY, { load, takesSlot: false }, ctx);
        const lookup = looking instanceof Promise ? await withTimeout(looking, WAIT_MS) : looking;
        text = String(lookup.entry?.body ?? "");
      } catch {
        // Redis does not answer. The last pin that this isolate knew holds until it expires.
      }
    },

    async set(pin, ctx) {
      const next = pin === undefined ? "" : writePin(pin);
      const saved =
        pin === undefined
          ? await store.remove()
          : await store.save(next, Math.max(1, pin.until - ctx.now()));
      if (!saved.ok) return saved;
      const logKey = `k:${KEY}` as const;
      const mark = invalidator.markInvalidated([logKey]);
      const invalidated = await invalidator.invalidate([logKey], ctx);
      if (!invalidated.ok) {
        invalidator.unmark(mark);
        return invalidated;
      }
      text = next;
      return done(undefined);
    },
  };
}
