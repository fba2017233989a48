/** Listeners under random disconnects, crashes and evictions. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { createTopic, event } from "./topic-harness.ts";

describe("the listeners of a topic", () => {
  it.each([1, 2, 3])(
    "each listener gets every event once and in order, whenever it disconnects and comes back, and whenever the object crashes or is evicted (seed %d)",
    async (seed) => {
      const { stub, listen, deliver } = createTopic();
      const random = randomOf(seed);
      const lives = await Promise.all(
        Array.from({ length: 4 }, async () => {
          const now = await listen();
          await now.until(() => now.heard.length > 0);
          return { got: [] as number[], lastId: now.heard[0]?.id, now };
        }),
      );
      type Life = (typeof lives)[number];
      const updatesOf = ({ now }: Life) => now.heard.filter(({ event: kind }) => kind === "update");

      async function comeBack(life: Life): Promise<void> {
        life.got.push(...updatesOf(life).map(({ n }) => n));
        life.lastId = life.now.heard.at(-1)?.id ?? life.lastId;
        life.now.socket?.close(1000);
        life.now = await listen(life.lastId);
        expect(life.now.start).toBe("resumed");
      }

      async function crash(): Promise<void> {
        await runInDurableObject(stub(), (_, state) => state.abort("crash")).catch(() => undefined);
        for (const life of lives) await comeBack(life);
      }

      let id = 0;
      const sent: number[] = [];
      async function send(): Promise<void> {
        const previous = id;
        id += 1 + Math.floor(random() * 5);
        await deliver(event(id, { previous }));
        if (random() < 0.2) await deliver(event(id, { previous }));
        sent.push(id);
      }

      for (let step = 0; step < 60; step++) {
        const choice = random();
        const life = lives[Math.floor(random() * lives.length)];
        if (choice < 0.6) await send();
        else if (choice < 0.95 && life !== undefined) await comeBack(life);
        else await crash();
        if (step === 30) {
          await deliver();
          await evictDurableObject(stub());
        }
      }
      for (const life of lives) {
        const all = () => [...life.got, ...updatesOf(life).map(({ n }) => n)];
        await life.now.until(() => all().length >= sent.length);
        expect(all()).toEqual(sent);
      }
    },
  );
});

/** Numbers from 0 to 1 that a seed determines (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
