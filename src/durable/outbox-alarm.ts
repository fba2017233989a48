import { DurableObject } from "cloudflare:workers";
import type { Clock, EpochMs, Millis } from "../core/time.ts";

/** The methods that isolates call. */
export interface OutboxAlarmRpc {
  /** Runs the namespace's relay after `inMs` at the latest. */
  wake(namespace: string, inMs: Millis): Promise<void>;
}

/** The outcome of one run of the relay. */
export interface RelayRun {
  /** Redis or the database failed. */
  readonly failed: boolean;
  /** After how long the next row is due. Undefined if there is none. */
  readonly nextInMs: Millis | undefined;
}

export interface OutboxAlarmOptions<Env> {
  readonly now: Clock;
  readonly runRelay: (
    env: Env,
    namespace: string,
    waitUntil: (work: Promise<unknown>) => void,
  ) => Promise<RelayRun>;
  /** The pause after a run that failed. It doubles with each further failure, up to `maxRetryMs`. */
  readonly retryMs: Millis;
  readonly maxRetryMs: Millis;
}

/** The keys of the object's storage. An alarm is not told for which namespace it runs, so the object stores it. */
const NAMESPACE = "namespace";
const FAILURES = "failures";

/**
 * The Durable Object that runs the relay of one outbox on time. It stores only the next instant; the
 * outbox has the rows. So it may be lost: the cron trigger's relay finds the same rows.
 */
export function createOutboxAlarm<Env>(options: OutboxAlarmOptions<Env>) {
  const { now, runRelay, retryMs, maxRetryMs } = options;

  return class OutboxAlarm extends DurableObject<Env> implements OutboxAlarmRpc {
    async wake(namespace: string, inMs: Millis): Promise<void> {
      await this.ctx.storage.put(NAMESPACE, namespace);
      await this.#setBy(now() + inMs);
    }

    override async alarm(): Promise<void> {
      const { storage } = this.ctx;
      const namespace = await storage.get<string>(NAMESPACE);
      if (namespace === undefined) return;
      const { failed, nextInMs } = await runRelay(this.env, namespace, (work) =>
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

    /** Moves the alarm to `at` if that is earlier. A run at an earlier instant sets the next alarm itself. */
    async #setBy(at: EpochMs): Promise<void> {
      const set = await this.ctx.storage.getAlarm();
      if (set === null || at < set) await this.ctx.storage.setAlarm(at);
    }
  };
}
