/**
 * Invocations that the platform ends at any wait, and what they leave behind in their isolate.
 *
 * A fifth of SIMULATIONS is the number of schedules (default 2,000). SIMULATION_SEED and SIMULATION_PATH replay the failure
 * that printed them.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { key } from "../../src/core/key.ts";
import { definePolicy } from "../../src/core/policy.ts";
import {
  createKilledIsolate,
  DEADLINE_MS,
  ORIGIN_TIMEOUT_MS,
  REDIS_TIMEOUT_MS,
} from "./killed-invocations.ts";
import { replay } from "./replay.ts";
import { createVirtualTime } from "./virtual-time.ts";

const runs = Number(process.env["SIMULATIONS"] ?? 10_000) / 5;

const KEYS = [key("row", 0), key("row", 1), key("row", 2)] as const;
const options = { jitter: 0, originTimeout: ORIGIN_TIMEOUT_MS } as const;
const POLICIES = [
  definePolicy({ ...options, freshFor: "1h", tags: ["rows"] }),
  definePolicy({ ...options, freshFor: 300, staleWhileRevalidate: "1m", tags: ["rows"] }),
  definePolicy({ ...options, freshFor: "1h", flight: "isolate", tags: ["rows"] }),
] as const;
/** An invocation that is ended makes at most so many waits. */
const MAX_WAITS = 16;
/** Longer than an answer of the log must be asked for after a mark, to end it. */
const SETTLED_MS = 6_000;
const COHERENCE_MS = 1_000;

const step = fc.record({
  do: fc.constantFrom(
    "read",
    "read",
    "readMany",
    "nested",
    "warm",
    "write",
    "writeBehind",
    "purge",
  ),
  key: fc.nat({ max: KEYS.length - 1 }),
  policy: fc.nat({ max: POLICIES.length - 1 }),
  /** The number of waits of the invocation. The last one never ends. Undefined: it is not ended. */
  waits: fc.option(fc.integer({ min: 1, max: MAX_WAITS }), { nil: undefined, freq: 2 }),
  pauseMs: fc.constantFrom(0, 0, 5, 40, 400, 1_100),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const schedule = fc.record({
  seed: fc.nat(),
  steps: fc.array(step, { minLength: 3, maxLength: 16 }),
});

/** Plays a schedule. Returns what is wrong with the isolate one deadline later. */
async function play({ seed, steps }: { seed: number; steps: readonly Step[] }): Promise<string[]> {
  const time = createVirtualTime({ seed });
  const isolate = createKilledIsolate(time);
  const { coherence } = isolate;
  const wrong: string[] = [];

  async function load(): Promise<number> {
    await time.sleep(time.random() * 100);
    return 1;
  }
  const loadMany = async (keys: readonly string[]) => {
    await time.sleep(time.random() * 100);
    return new Map(keys.map((one) => [one, 1]));
  };

  function run(one: Step): Promise<unknown> {
    const name = KEYS[one.key] ?? KEYS[0];
    const policy = POLICIES[one.policy] ?? POLICIES[0];
    const { waits = Infinity } = one;
    switch (one.do) {
      case "read":
        return isolate.invoke(waits, (reader) => reader.read(name, policy, load));
      case "readMany":
        return isolate.invoke(waits, (reader) => reader.readMany(KEYS, policy, loadMany));
      case "nested":
        return isolate.invoke(waits, (reader) =>
          reader.read(key("outer", one.key), policy, async (inner) => {
            return (await inner.read(name, policy, load)).value;
          }),
        );
      case "warm":
        return isolate.invoke(waits, async (reader) => {
          for await (const { fault } of reader.warm(KEYS, policy, loadMany))
            if (fault !== undefined) return;
        });
      case "write":
        return isolate.invoke(waits, async (_, ctx) => {
          const mark = coherence.markInvalidated(["?t:rows"]);
          if (!(await coherence.invalidate(["?t:rows"], ctx)).ok) coherence.unmark(mark);
        });
      case "purge":
        return isolate.invoke(waits, async (_, ctx) => {
          const mark = coherence.markInvalidated([`k:${name}`, "t:rows"]);
          if (!(await coherence.invalidate([`k:${name}`, "t:rows"], ctx)).ok)
            coherence.unmark(mark);
        });
      case "writeBehind":
        return isolate.invoke(waits, (_, ctx) =>
          isolate.writeBehind(
            { id: "c", kind: "row", payload: 1 },
            { key: name, policy, value: 1, tags: ["rows"] },
            ctx,
          ),
        );
    }
  }

  /** Every key is read by an invocation that is not ended. Returns how each was answered. */
  async function readAll(what: string): Promise<string[]> {
    const statuses: string[] = [];
    const [policy] = POLICIES;
    for (const name of KEYS)
      isolate
        .invoke(Infinity, (reader) => reader.read(name, policy, load))
        .then(
          ({ status }) => statuses.push(status),
          (error: unknown) => wrong.push(`${what} of ${name}: ${String(error)}`),
        );
    await time.sleep(DEADLINE_MS);
    if (statuses.length + wrong.length < KEYS.length) wrong.push(`${what} has not ended`);
    return statuses;
  }

  async function playAll(): Promise<void> {
    let running = 0;
    for (const one of steps) {
      if (one.waits === undefined) running++;
      // A load that waits for one whose invocation was ended may fail. It must end in time.
      run(one)
        .catch(() => undefined)
        .finally(() => {
          if (one.waits === undefined) running--;
        });
      await time.sleep(one.pauseMs);
    }
    // At its deadline a read validates the stale entry that it has, which may take one request to Redis.
    await time.sleep(DEADLINE_MS + REDIS_TIMEOUT_MS);
    if (running > 0) wrong.push(`${running} invocations that were not ended have not ended`);
    await readAll("the first read");
    await readAll("the second read");
    // An answer of the log ends the marks of ended invocations, and a later number their effect.
    for (const read of ["the third read", "the fourth read"]) {
      await time.sleep(SETTLED_MS);
      await readAll(read);
    }
    await isolate.invoke(Infinity, (_, ctx) => coherence.invalidate(["t:peace"], ctx));
    await time.sleep(COHERENCE_MS);
    await readAll("the fifth read");
    const last = await readAll("the last read");
    if (last.some((status) => status !== "hit-memory"))
      wrong.push(`the last read was answered by ${last.join(", ")}, not by memory`);
    if (isolate.slotsTaken > 0) wrong.push(`${isolate.slotsTaken} slots are still taken`);
    ended = true;
  }

  let ended = false;
  const playing = playAll();
  await time.run();
  if (ended) await playing;
  else wrong.push("the schedule has not ended");
  return wrong;
}

describe("an isolate whose invocations the platform ends at any wait", () => {
  it("one deadline after invocations were ended at random waits, every key of the isolate can be read, and memory answers again", async () => {
    await fc.assert(
      fc.asyncProperty(schedule, async (one) => {
        expect(await play(one)).toEqual([]);
      }),
      { numRuns: runs, ...replay() },
    );
  }, 900_000);
});
