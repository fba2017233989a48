import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SLOT_PRIORITIES, type SlotPriority } from "../../src/core/origin-slots.ts";
import { createSlotLine, type SlotLine } from "../../src/resilience/slot-line.ts";

const STANDING_MS = 500;
const OVERLOADED_WAIT_MS = 20;
const REST_MS = 1_000;

interface Call {
  readonly name: number;
  readonly priority: SlotPriority;
  readonly since: number;
}

const anyCall = () => true;

function addAll(line: SlotLine<Call>, priority: SlotPriority, instants: readonly number[]): void {
  for (const since of instants) line.add({ name: since, priority, since }, since);
}

/** Takes the calls one after another at one instant. */
function drain(line: SlotLine<Call>, now: number): number[] {
  const names: number[] = [];
  for (let call = line.next(now, anyCall); call; call = line.next(now, anyCall))
    names.push(call.name);
  return names;
}

describe("the line for origin slots", () => {
  it("calls leave a line that was empty a moment ago in the order of arrival", () => {
    const line = createSlotLine<Call>(STANDING_MS);
    addAll(line, "read", [0, 10, 20]);
    expect(drain(line, 30)).toEqual([0, 10, 20]);
  });

  it("calls leave a line that has not been empty for 500 ms in the reverse order of arrival", () => {
    const line = createSlotLine<Call>(STANDING_MS);
    addAll(line, "read", [0, 240, STANDING_MS]);
    expect(drain(line, STANDING_MS)).toEqual([500, 240, 0]);
  });

  it("a class leaves the overloaded state only after its queue has been empty for 1 s", () => {
    const line = createSlotLine<Call>(STANDING_MS);
    addAll(line, "read", [0]);
    expect(line.isStanding("read", STANDING_MS)).toBe(true);
    drain(line, 600);
    expect(line.isStanding("read", 600 + REST_MS - 1)).toBe(true);
    expect(line.isStanding("read", 600 + REST_MS)).toBe(false);
  });

  it("a call that meets an overloaded class soon after its queue was emptied keeps the class overloaded", () => {
    const line = createSlotLine<Call>(STANDING_MS);
    addAll(line, "read", [0]);
    drain(line, 600);
    addAll(line, "read", [700]);
    expect(line.isStanding("read", 700)).toBe(true);
    drain(line, 700);
    addAll(line, "read", [700 + REST_MS]);
    expect(line.isStanding("read", 700 + REST_MS)).toBe(false);
  });

  it("an overloaded class sheds its reads that have waited 20 ms, and no calls of other classes", () => {
    for (const priority of SLOT_PRIORITIES) {
      const line = createSlotLine<Call>(STANDING_MS);
      addAll(line, priority, [0, 510, 525]);
      const shed = line.shed(510 + OVERLOADED_WAIT_MS).map(({ name }) => name);
      expect(shed).toEqual(priority === "read" ? [0, 510] : []);
    }
  });

  it("a read waits at most 20 ms while its class is overloaded, and calls of other classes wait as long as they may", () => {
    const line = createSlotLine<Call>(STANDING_MS);
    addAll(line, "read", [0]);
    addAll(line, "refresh", [0]);
    expect(line.patienceOf("read", STANDING_MS, 500)).toBe(OVERLOADED_WAIT_MS);
    expect(line.patienceOf("read", STANDING_MS - 1, 500)).toBe(500);
    expect(line.patienceOf("refresh", STANDING_MS, 500)).toBe(500);
  });

  it("a full line lets go of the longest waiting call of its lowest class, unless that class is above the new call's", () => {
    const line = createSlotLine<Call>(STANDING_MS);
    addAll(line, "read", [0, 10]);
    addAll(line, "refresh", [20, 30]);
    expect(line.crowdOut("read", 40)?.name).toBe(20);
    expect(line.crowdOut("warm", 40)).toBeUndefined();
    expect(line.crowdOut("refresh", 40)?.name).toBe(30);
    expect(line.crowdOut("read", 40)?.name).toBe(0);
  });

  it("a class is not overloaded for ever after the clock was set back", () => {
    const line = createSlotLine<Call>(STANDING_MS);
    addAll(line, "read", [3_600_000, 0]);
    expect(line.isStanding("read", 0)).toBe(false);
    expect(line.isStanding("read", STANDING_MS)).toBe(true);
  });

  it("in every sequence of arrivals, departures and waits, each call leaves the line exactly once, and none leaves while a call of a higher class waits", () => {
    const step = fc.oneof(
      fc.record({ add: fc.constantFrom(...SLOT_PRIORITIES) }),
      fc.record({ wait: fc.nat({ max: 200 }) }),
      fc.constantFrom("next" as const, "shed" as const, "crowd" as const, "give up" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const line = createSlotLine<Call>(STANDING_MS);
        const waiting = new Map<number, Call>();
        let now = 0;
        let names = 0;
        const leaves = (call: Call | undefined): void => {
          if (call !== undefined) expect(waiting.delete(call.name)).toBe(true);
        };
        for (const one of steps) {
          if (one === "next") {
            const call = line.next(now, anyCall);
            const ranks = [...waiting.values()].map((other) =>
              SLOT_PRIORITIES.indexOf(other.priority),
            );
            if (call === undefined) expect(waiting.size).toBe(0);
            else expect(SLOT_PRIORITIES.indexOf(call.priority)).toBe(Math.min(...ranks));
            leaves(call);
          } else if (one === "shed") for (const call of line.shed(now)) leaves(call);
          else if (one === "crowd") leaves(line.crowdOut("write", now));
          else if (one === "give up") {
            const [call] = waiting.values();
            if (call === undefined) continue;
            expect(line.remove(call, now)).toBe(true);
            expect(line.remove(call, now)).toBe(false);
            leaves(call);
          } else if ("wait" in one) now += one.wait;
          else {
            const call = { name: names++, priority: one.add, since: now };
            line.add(call, now);
            waiting.set(call.name, call);
          }
          expect(line.size()).toBe(waiting.size);
        }
        while (waiting.size > 0) leaves(line.next(now, anyCall));
      }),
    );
  });
});
