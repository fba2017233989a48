import type { Context } from "../index.ts";

/** Which dependencies answered the last check. */
export interface Answering {
  readonly database: boolean;
  readonly redis: boolean;
}

/** Asks each dependency once. Never rejects. */
export type AskDependencies = (ctx: Context) => Promise<Answering>;

/** All requests within this time after the start of a check share its result. */
const SHARED_FOR_MS = 1_000;
/**
 * If a check has not ended after this time, both dependencies count as away. The time is longer than
 * the default time limits of SQL and Redis, so that a check usually ends by them.
 */
const MAX_WAIT_MS = 10_000;

const NONE: Answering = { database: false, redis: false };

/**
 * Creates the check of one isolate. It asks the dependencies at most once a second, so that a flood
 * of requests for `/health` does not load the database.
 */
export function createHealthCheck(ask: AskDependencies): (ctx: Context) => Promise<Answering> {
  let last: { readonly startedAt: number; readonly result: Promise<Answering> } | undefined;

  return function check(ctx) {
    const now = ctx.now();
    const age = last === undefined ? Infinity : now - last.startedAt;
    // The age is negative if the clock was set back.
    if (last === undefined || age < 0 || age >= SHARED_FOR_MS) {
      last = { startedAt: now, result: ask(ctx) };
      // The check goes on if its client leaves, because other requests wait for it.
      ctx.defer(last.result);
    }
    return within(MAX_WAIT_MS, last.result);
  };
}

/**
 * Returns the result, or `NONE` after `ms` milliseconds. The timer is also the pending I/O without
 * which workerd ends a request that waits for a promise of another request.
 */
async function within(ms: number, result: Promise<Answering>): Promise<Answering> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<Answering>((resolve) => {
    timer = setTimeout(() => resolve(NONE), ms);
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}
