import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { LiveEvent, Listener } from "../../src/core/live-event.ts";
import { topicStub } from "../../src/durable/stubs.ts";
import { createTopicPort, topicObject } from "../../src/durable/topic-port.ts";
import { MAX_LISTENERS_PER_CLIENT } from "../../src/live/limits.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { insertEvents } from "../../src/writes/live-events.ts";
import { createTestContext } from "../support/context.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { testDatabase } from "../writes/database.ts";
import { sql } from "drizzle-orm";

const TIMEOUT_MS = 20_000;
/** Earlier than the events that the database makes in these tests. */
const AT = 1_700_000_000_000;
const TOPIC = "shelf:1";

const message = (n: number): string => JSON.stringify({ n });

const event = (id: number, fields: Partial<LiveEvent> = {}): LiveEvent => ({
  id,
  previous: 0,
  at: AT,
  channel: null,
  message: message(id),
  ...fields,
});

interface Heard {
  readonly event: string;
  readonly id: string;
  readonly n: number;
}

function createTopic() {
  const { LIVE } = env;
  if (LIVE === undefined) throw new Error("LIVE is not bound");
  const namespace = uniqueNamespace();
  const ctx = createTestContext();
  const port = createTopicPort({
    stub: (name) => topicStub(LIVE, name),
    namespace,
    deliverMs: TIMEOUT_MS,
    listenMs: TIMEOUT_MS,
    withTimeout,
  });
  const stub = () => LIVE.get(LIVE.idFromName(topicObject(namespace, TOPIC)));

  async function listen(lastEventId?: string, fields: Partial<Listener> = {}) {
    const listening = await port.listen(
      {
        topic: TOPIC,
        transport: "socket",
        client: "192.0.2.1",
        lastEventId,
        initial: message(0),
        ...fields,
      },
      ctx,
    );
    if (!listening.ok) return { refused: listening.reason, heard: [], until: async () => [] };
    const heard: Heard[] = [];
    let onHeard = (): void => undefined;
    const { socket, start } = listening;
    const closed = new Promise<number>((resolve) =>
      socket.addEventListener("close", ({ code }) => resolve(code)),
    );
    const texts: string[] = [];
    socket.addEventListener("message", ({ data }) => {
      const text = String(data);
      texts.push(text);
      if (text.startsWith("{")) heard.push(JSON.parse(text) as Heard);
      onHeard();
    });
    socket.accept();
    async function until(isMet: () => boolean): Promise<Heard[]> {
      if (!isMet())
        await new Promise<void>((resolve) => {
          onHeard = () => {
            if (isMet()) resolve();
          };
        });
      return heard;
    }
    return { socket, start, heard, texts, closed, until };
  }

  return {
    namespace,
    stub,
    listen,
    deliver: async (...events: LiveEvent[]) => {
      const delivered = await port.deliver(TOPIC, events, ctx);
      if (!delivered.ok) throw new Error(delivered.fault.code);
      return delivered.value;
    },
    /** Inserts events into the database, as writes do. Returns them as writers deliver them. */
    async commit(...numbers: number[]): Promise<number[]> {
      const ids: number[] = [];
      for (const n of numbers) {
        const { rows } = await insertEvents(
          testDatabase(),
          namespace,
          sql`select ${TOPIC}::text, null::text, ${message(n)}::text`,
        );
        ids.push(Number(rows[0]?.id));
      }
      return ids;
    },
  };
}

const numbersIn = (heard: readonly Heard[]) => heard.map(({ event: kind, n }) => [kind, n]);

describe("the object of a topic", () => {
  it("a listener of a topic without events gets the initial message, and then the events", async () => {
    const { listen, deliver } = createTopic();
    const { heard, start, until } = await listen();
    expect(start).toBe("snapshot");
    expect(await deliver(event(7), event(9))).toBe(9);
    await until(() => heard.length === 3);
    expect(numbersIn(heard)).toEqual([
      ["snapshot", 0],
      ["update", 7],
      ["update", 9],
    ]);
  });

  it("the object takes an event once, although two writers and the cron trigger deliver it", async () => {
    const { listen, deliver } = createTopic();
    const { heard, until } = await listen();
    for (const each of [event(5), event(5), event(3), event(6)]) await deliver(each);
    await until(() => heard.length === 3);
    expect(numbersIn(heard).slice(1)).toEqual([
      ["update", 5],
      ["update", 6],
    ]);
  });

  it("an object that was evicted while a socket was open keeps the socket, its epoch and its events", async () => {
    const { stub, listen, deliver } = createTopic();
    const { heard, until } = await listen();
    await deliver(event(1), event(2), event(3));
    await until(() => heard.length === 4);
    await evictDurableObject(stub());
    await deliver(event(4));
    await until(() => heard.length === 5);
    expect(new Set(heard.map(({ id }) => id.split("-")[0])).size).toBe(1);
    const back = await listen(heard[2]?.id);
    expect(back.start).toBe("resumed");
    await back.until(() => back.heard.length === 2);
    expect(numbersIn(back.heard)).toEqual([
      ["update", 3],
      ["update", 4],
    ]);
  });

  it("a listener that comes back after the object lost its disk gets a reset with the newest state, under another epoch", async () => {
    const { stub, listen, deliver } = createTopic();
    const { heard, until } = await listen();
    await deliver(event(1), event(2));
    await until(() => heard.length === 3);
    await runInDurableObject(stub(), (_, state) => state.storage.deleteAll());
    await evictDurableObject(stub(), { webSockets: "close" });
    await deliver(event(8));
    const back = await listen(heard[2]?.id);
    expect(back.start).toBe("reset");
    await back.until(() => back.heard.length === 1);
    expect(numbersIn(back.heard)).toEqual([["reset", 8]]);
    expect(back.heard[0]?.id.split("-")[0]).not.toBe(heard[2]?.id.split("-")[0]);
  });

  it("a listener that comes back after more events than the topic keeps gets a reset, and one that missed fewer gets them all", async () => {
    const { listen, deliver } = createTopic();
    const first = await listen();
    await deliver(...Array.from({ length: 300 }, (_, i) => event(i + 1)));
    await first.until(() => first.heard.length === 301);
    const late = await listen(first.heard[10]?.id);
    expect(late.start).toBe("reset");
    const soon = await listen(first.heard[100]?.id);
    expect(soon.start).toBe("resumed");
    await soon.until(() => soon.heard.length === 200);
    expect(soon.heard.map(({ n }) => n)).toEqual(Array.from({ length: 200 }, (_, i) => i + 101));
  });

  it("an event that arrives before an earlier one waits until the object has read the earlier one from the database", async () => {
    const { listen, deliver, commit } = createTopic();
    const { heard, until } = await listen();
    const [first = 0, second = 0, third = 0] = await commit(1, 2, 3);
    const newest = event(third, { previous: second, message: message(3) });
    expect(await deliver(newest)).toBe(third);
    // The writers of the earlier events come late.
    await deliver(event(first, { message: message(1) }));
    await deliver(event(second, { message: message(2) }));
    await until(() => heard.length === 4);
    expect(numbersIn(heard).slice(1)).toEqual([
      ["update", 1],
      ["update", 2],
      ["update", 3],
    ]);
  });

  it("a new listener gets the state with an event that was committed and that no isolate delivered", async () => {
    const { listen, commit } = createTopic();
    await commit(1, 2);
    const { heard, until } = await listen();
    await until(() => heard.length === 1);
    expect(numbersIn(heard)).toEqual([["snapshot", 2]]);
  });

  it("after the database was restored to an earlier state, listeners get a reset and then the new events with their lower ids", async () => {
    const { listen, deliver } = createTopic();
    const { heard, until } = await listen();
    await deliver(event(900));
    await deliver(event(20, { at: AT + 3_600_000 }), event(21, { at: AT + 3_600_100 }));
    await until(() => heard.length === 4);
    expect(numbersIn(heard).slice(1)).toEqual([
      ["update", 900],
      ["reset", 20],
      ["update", 21],
    ]);
    expect(heard[2]?.id.split("-")[0]).not.toBe(heard[1]?.id.split("-")[0]);
  });

  it("a client that has as many connections to the topic as it may have is refused, and another client is not", async () => {
    const { listen } = createTopic();
    const open = await Promise.all(
      Array.from({ length: MAX_LISTENERS_PER_CLIENT }, () => listen()),
    );
    expect(open.every(({ refused }) => refused === undefined)).toBe(true);
    expect((await listen()).refused).toBe("client-limit");
    expect((await listen(undefined, { client: "192.0.2.2" })).refused).toBe(undefined);
  });

  it("a client that sends a message is disconnected with the code 1008, and one that sends `ping` gets `pong`", async () => {
    const { listen } = createTopic();
    const polite = await listen();
    polite.socket?.send("ping");
    await polite.until(() => polite.texts?.includes("pong") === true);
    const talker = await listen();
    talker.socket?.send("x".repeat(100_000));
    expect(await talker.closed).toBe(1008);
    expect(polite.socket?.readyState).toBe(WebSocket.READY_STATE_OPEN);
  });

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
