import { setTimeout as pause } from "node:timers/promises";

/**
 * The first value that satisfies `accept`, asked for again and again, and how long that took.
 * Rejects with the last one after `withinMs`.
 */
export async function until<T>(
  ask: () => Promise<T>,
  accept: (value: T) => boolean,
  withinMs: number,
  everyMs = 50,
): Promise<{ value: T; tookMs: number }> {
  const startedAt = performance.now();
  for (;;) {
    const value = await ask();
    const tookMs = performance.now() - startedAt;
    if (accept(value)) return { value, tookMs };
    if (tookMs > withinMs)
      throw new Error(`not within ${withinMs} ms; the last was ${JSON.stringify(value)}`);
    await pause(everyMs);
  }
}
