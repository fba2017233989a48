/**
 * The log of one region. It asks Redis when a question comes, at most once in a tick, and answers
 * all questions of that time from one log view. While no question comes, it does not ask. The clock
 * and the timer are injected, so that tests need no Durable Object.
 */
import {
  changesSince,
  recentChanges,
  type SharedChanges,
  type SharedLog,
} from "../core/log-share.ts";
import { applyAnswer, MAX_CHANGES, type LogAnswer } from "../core/log.ts";
import { createDeferrals, type DeferredKeys } from "../core/log-deferrals.ts";
import type { LogKey } from "../core/invalidation-key.ts";
import { createLogView, MAX_NUMBERS } from "../core/log-view.ts";
import type { Seq } from "../core/seq.ts";
import { RECENT_MS, REPEAT_POLL_MS, TICK_MS } from "../core/share-timing.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";

export interface LogPollsOptions {
  readonly now: Clock;
  /** Resolves after `ms` milliseconds. */
  readonly sleep: (ms: Millis) => Promise<void>;
  /** Asks Redis for at most `limit` changes. Returns undefined if Redis gives no answer. */
  readonly askRedis: (since: Seq, limit: number) => Promise<LogAnswer | undefined>;
}

export interface LogPolls {
  /**
   * Returns the changes from `since` on. Returns undefined if this object cannot tell: then the
   * isolate asks Redis.
   */
  ask(since: Seq): Promise<SharedLog | undefined>;
  /** Hands the log keys of deferred invalidations on with each answer, until the log has their numbers. */
  defer(logKeys: readonly LogKey[]): void;
  /** Returns the deferred invalidations alone. It asks Redis only if there are some. */
  deferred(): Promise<DeferredKeys>;
}

export function createLogPolls({ now, sleep, askRedis }: LogPollsOptions): LogPolls {
  const view = createLogView();
  const deferrals = createDeferrals();
  let recent: SharedChanges | undefined;
  let polledAt: EpochMs = Number.NEGATIVE_INFINITY;
  /** The poll that runs or waits for its tick. */
  let next: Promise<boolean> | undefined;

  /**
   * Asks Redis, and once more if there is no answer soon. One slow request would leave all isolates
   * of the region without a share.
   */
  async function askTwice(since: Seq, limit: number): Promise<LogAnswer | undefined> {
    const first = askRedis(since, limit);
    const isSlow = await Promise.race([
      first.then(() => false),
      sleep(REPEAT_POLL_MS).then(() => true),
    ]);
    return isSlow ? firstAnswer([first, askRedis(since, limit)]) : first;
  }

  async function poll(): Promise<boolean> {
    const sinceLast = now() - polledAt;
    // A negative time means that the clock was set back.
    if (sinceLast >= 0 && sinceLast < TICK_MS) await sleep(TICK_MS - sinceLast);
    polledAt = now();
    // The first question takes the newest changes only. Later ones take all since the last one.
    const answer =
      view.era === undefined
        ? await askTwice(0, MAX_CHANGES)
        : await askTwice(view.seen, MAX_NUMBERS);
    if (answer === undefined) return false;
    const outcome = applyAnswer(view, answer);
    // This object establishes no log and asks no primary. Each isolate does that itself.
    if (outcome !== "applied" && outcome !== "renewed") return false;
    deferrals.settle(view, view.stamp);
    recent = recentChanges(view);
    return true;
  }

  async function sharePoll(): Promise<boolean> {
    next ??= poll().finally(() => {
      next = undefined;
    });
    return next;
  }

  function isOld(at: EpochMs): boolean {
    // A stamp in the future means that the clock was set back. Such a stamp gives no age.
    if (view.stamp > at) view.stamp = Number.NEGATIVE_INFINITY;
    return at - view.stamp > RECENT_MS;
  }

  return {
    async ask(since) {
      const arrivedAt = now();
      if (isOld(arrivedAt) && !(await sharePoll())) return undefined;
      const changes =
        recent !== undefined && recent.since <= since && since <= recent.seq
          ? recent
          : changesSince(view, since);
      return (
        changes && { ...changes, ageMs: arrivedAt - view.stamp, deferred: deferrals.list(now()) }
      );
    },

    async deferred() {
      // Without deferred invalidations Redis is not asked. With them, the log may have numbered them meanwhile.
      if (deferrals.list(now()).length > 0 && isOld(now())) await sharePoll();
      return {
        logKeys: deferrals.list(now()),
        seq: view.era === undefined ? undefined : view.seen,
      };
    },

    defer: (logKeys) => deferrals.add(logKeys, now()),
  };
}

/** Resolves with the first answer that is there, or with undefined if all questions end without one. */
function firstAnswer(
  questions: readonly Promise<LogAnswer | undefined>[],
): Promise<LogAnswer | undefined> {
  return new Promise((resolve) => {
    let open = questions.length;
    for (const question of questions)
      void question.then((answer) => {
        open--;
        if (answer !== undefined || open === 0) resolve(answer);
      });
  });
}
