import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { MAX_LISTENERS_PER_CLIENT } from "../../src/live/limits.ts";
import { AT, createTopic, event, message, numbersIn } from "./topic-harness.ts";

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

  it.each([
    ["the cron trigger delivers", () => [] as number[]],
    ["the writer of the newest one delivers", (ids: readonly number[]) => ids.slice(-1)],
  ])(
    "after the database was restored, events that waited are sent in order after a reset, if %s",
    async (_, deliveredOf) => {
      const { listen, deliver, commit } = createTopic();
      const { heard, until } = await listen();
      const ids = await commit(1, 2, 3);
      const [first = 0, second = 0, third = 0] = ids;
      // The log has a higher number than the database gives after its restoration.
      await deliver(event(third + 1_000));
      const events = deliveredOf(ids).map((id) =>
        event(id, { at: Date.now(), previous: second, message: message(3) }),
      );
      expect(await deliver(...events)).toBe(third);
      await until(() => heard.length === 5);
      expect(numbersIn(heard).slice(2)).toEqual([
        ["reset", 1],
        ["update", 2],
        ["update", 3],
      ]);
      expect(heard[2]?.id.split("-")[1]).toBe(String(first));
    },
  );

  it("a client that has as many connections to the topic as it may have is refused, and another client is not", async () => {
    const { listen } = createTopic();
    const open = await Promise.all(
      Array.from({ length: MAX_LISTENERS_PER_CLIENT }, () => listen()),
    );
    expect(open.every(({ refused }) => refused === undefined)).toBe(true);
    expect((await listen()).refused).toBe("client-limit");
    expect((await listen(undefined, { client: "192.0.2.2" })).refused).toBe(undefined);
  });

  it("the alarm of the object sends a heartbeat to WebSockets, at most one a minute, and none to streams", async () => {
    const { stub, listen, deliver } = createTopic();
    const socket = await listen();
    const stream = await listen(undefined, { transport: "events" });
    expect(await runDurableObjectAlarm(stub())).toBe(true);
    await socket.until(() => socket.texts?.includes('{"event":"heartbeat"}') === true);
    expect(await runDurableObjectAlarm(stub())).toBe(true);
    await deliver(event(1));
    await socket.until(() => socket.heard.some(({ event: kind }) => kind === "update"));
    expect(socket.heard.map(({ event: kind }) => kind)).toEqual([
      "snapshot",
      "heartbeat",
      "update",
    ]);
    await stream.until(() => stream.texts?.length === 2);
    expect(stream.texts?.map((text) => text.split("\n")[0])).toEqual([
      "event: snapshot",
      expect.stringMatching(/^id: /),
    ]);
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
});
