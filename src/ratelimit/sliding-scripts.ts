/** Calls the Lua scripts of `sliding-lua.ts` and reads their answers. */
import type { NewId } from "../core/random.ts";
import { createScriptRunner, type ScriptClient } from "../redis/script-runner.ts";
import { balanceOf } from "./bucket.ts";
import type { Charge, TakeRequest, TakeResult } from "./ledger.ts";
import { logBalance } from "./log-account.ts";
import { SLIDING_LOG, SLIDING_WINDOW } from "./sliding-lua.ts";

/** Charges all accounts or none, with one request to Redis. Rejects if the request fails. */
export type TakeScript = (take: TakeRequest) => Promise<TakeResult>;

/** A script's answer: the number of admitted requests, Redis' time, and for each account its state as text. */
type ScriptAnswer = readonly [admitted: number | string, now: string, states: readonly string[]];

/** Creates the script of the sliding window in two buckets, which `bucket.ts` explains. */
export function createSlidingWindowScript(redis: ScriptClient): TakeScript {
  const run = createScriptRunner(redis, SLIDING_WINDOW);
  return async (take) => {
    const [admitted, time, states] = await run<ScriptAnswer>(keysOf(take), argumentsOf(take));
    const now = Number(time);
    const buckets = take.charges.map(({ windows }, i) =>
      windows.map((_, w) => {
        const [, startMs = 0, current = 0, previous = 0] = numbersAt(states[i], w, 4);
        return { startMs, current, previous };
      }),
    );
    const balances = take.charges.map(({ windows }, i) =>
      windows.map((window, w) => balanceOf(buckets[i]![w]!, window, now, take.cost)),
    );
    return { admitted: Number(admitted), now, balances, buckets };
  };
}

/**
 * Creates the script of the sliding log. It never admits more than the limit in any span. Redis
 * stores one sorted-set member for each token, so the log suits low limits.
 */
export function createSlidingLogScript(redis: ScriptClient, newId: NewId): TakeScript {
  const run = createScriptRunner(redis, SLIDING_LOG);
  return async (take) => {
    const args = [...argumentsOf(take), newId()];
    const [admitted, time, states] = await run<ScriptAnswer>(keysOf(take), args);
    const now = Number(time);
    const balances = take.charges.map(({ windows }, i) =>
      windows.map((window, w) => {
        const [used = 0, oldestAt = 0, freesAt = 0] = numbersAt(states[i], w, 3);
        return logBalance({ used, oldestAt, freesAt }, window, now, take.cost);
      }),
    );
    return { admitted: Number(admitted), now, balances };
  };
}

/** Returns the numbers of one window in an account's state, which has `size` numbers for each window. */
function numbersAt(state = "", window: number, size: number): number[] {
  return state
    .split(" ")
    .slice(window * size, (window + 1) * size)
    .map(Number);
}

function keysOf({ charges }: TakeRequest): string[] {
  return charges.map(({ key }) => key);
}

function argumentsOf({ cost, requests, charges }: TakeRequest): readonly number[] {
  return [cost, requests, ...charges.flatMap(chargeArguments)];
}

function chargeArguments({ debt, debtAgeMs, windows }: Charge): readonly number[] {
  const limits = windows.flatMap(({ limit, widthMs }) => [limit, widthMs]);
  return [debt, Math.max(0, Math.round(debtAgeMs)), windows.length, ...limits];
}
