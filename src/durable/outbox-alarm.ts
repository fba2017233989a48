import { DurableObject } from "cloudflare:workers";
import type { Clock, EpochMs, Millis } from "../core/time.ts";

/** What the Durable Object answers to. */
export interface OutboxAlarmRpc {
  /** Runs the namespace's relay in so long at the latest. */
  wake(namespace: string, inMs: Millis): Promise<void>;
}

/** What one run of the relay leaves to be done. */
export interface RelayRun {
  /** Something that it needs is away. */
  readonly failed: boolean;
  /** In how long the next row is due, if one is. */
  readonly nextInMs: Millis | undefined;
}

export interface OutboxAlarmOptions<Env> {
  readonly now: Clock;
  readonly runRelay: (
    env: Env,
    namespace: string,
    waitUntil: (work: Promise<unknown>) => void,
  ) => Promise<RelayRun>;
  /** After a run that failed; doubles with each that follows it, up to `maxRetryMs`. */
  readonly retryMs: Millis;
  readonly maxRetryMs: Millis;
}

/** What it keeps. No async context tells an alarm whose it is. */
const NAMESPACE = "namespace";
const FAILURES = "failures";

/**
 * The clock of one outbox. It knows one instant, the next at which the relay must run; what
 * is to be done then, and what comes after it, the outbox says. So it may be lost: the cron
 * trigger's relay finds the same rows.
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

    /** An earlier instant stands: the run at it asks the outbox for the later one. */
    async #setBy(at: EpochMs): Promise<void> {
      const set = await this.ctx.storage.getAlarm();
      if (set === null || at < set) await this.ctx.storage.setAlarm(at);
    }
  };
}
