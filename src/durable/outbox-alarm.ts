import { DurableObject } from "cloudflare:workers";
import type { Clock, EpochMs, Millis } from "../core/time.ts";
import type { ObjectClass } from "./object-class.ts";

/** The methods that isolates call. */
export interface OutboxAlarmRpc {
  /**
   * Sets the alarm, so that the namespace's relay runs in `inMs` milliseconds at the latest.
   * `verifyAfterMs` is the relay's option of that name.
   */
  wake(namespace: string, inMs: Millis, verifyAfterMs: Millis): Promise<void>;
}

/** The outcome of one run of the relay. */
export interface RelayRun {
  /** Whether Redis or the database failed. */
  readonly failed: boolean;
  /** The time until the next row is due. Undefined if no row waits. */
  readonly nextInMs: Millis | undefined;
}

export interface OutboxAlarmOptions<Env> {
  readonly now: Clock;
  readonly runRelay: (
    env: Env,
    relay: { readonly namespace: string; readonly verifyAfterMs: Millis | undefined },
    waitUntil: (work: Promise<unknown>) => void,
  ) => Promise<RelayRun>;
  /** The pause after a failed run. It doubles with each further failure, up to `maxRetryMs`. */
  readonly retryMs: Millis;
  readonly maxRetryMs: Millis;
}

/**
 * The key of the namespace in the object's storage. The object stores the namespace, because the
 * platform does not tell an alarm for which namespace it runs.
 */
const NAMESPACE = "namespace";
const VERIFY_AFTER = "verify-after-ms";
const FAILURES = "failures";

/**
 * The Durable Object that runs the relay of one outbox on time. It stores the namespace and the
 * next instant; the outbox has the rows. If the object is lost, the relay of the cron trigger
 * delivers the same rows.
 */
export function createOutboxAlarm<Env>(
  options: OutboxAlarmOptions<Env>,
): ObjectClass<Env, OutboxAlarmRpc> {
  const { now, runRelay, retryMs, maxRetryMs } = options;

  return class OutboxAlarm extends DurableObject<Env> implements OutboxAlarmRpc {
    async wake(namespace: string, inMs: Millis, verifyAfterMs: Millis): Promise<void> {
      await this.ctx.storage.put({ [NAMESPACE]: namespace, [VERIFY_AFTER]: verifyAfterMs });
      await this.#setBy(now() + inMs);
    }

    override async alarm(): Promise<void> {
      const { storage } = this.ctx;
      const namespace = await storage.get<string>(NAMESPACE);
      if (namespace === undefined) return;
      const verifyAfterMs = await storage.get<Millis>(VERIFY_AFTER);
      const { failed, nextInMs } = await runRelay(this.env, { namespace, verifyAfterMs }, (work) =>
        this.ctx.waitUntil(work),
      );
      if (failed) {
        const failures = (await storage.get<number>(FAILURES)) ?? 0;
        await storage.put(FAILURES, failures + 1);
        return this.#setBy(now() + Math.min(retryMs * 2 ** failures, maxRetryMs));
      }
      await storage.delete(FAILURES);
      if (nextInMs !== undefined) await this.#setBy(now() + nextInMs);
    }

    /**
     * Sets the alarm to `at` unless it is set to an earlier instant. A run at an earlier instant
     * sets the next alarm itself.
     */
    async #setBy(at: EpochMs): Promise<void> {
      const set = await this.ctx.storage.getAlarm();
      if (set === null || at < set) await this.ctx.storage.setAlarm(at);
    }
  };
}
