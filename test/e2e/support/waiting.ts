import { setTimeout as pause } from "node:timers/promises";

/**
 * Calls `ask` until its value satisfies `accept`. Returns the value and the time that it took.
 * Rejects after `withinMs`, with the last value in the message.
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
      throw new Error(
        `not accepted within ${withinMs} ms; the last value was ${JSON.stringify(value)}`,
      );
    await pause(everyMs);
  }
}
