import { describe, expect, it } from "vitest";
import { problemOf } from "./client.ts";
import { createQueuedApi as setup, newRow, storedViews } from "./queued.ts";

describe("/admin/dead-letters", () => {
  /** Messages of a kind without an effect fail in each attempt. */
  async function withLetters(ids: readonly string[]) {
    const world = setup();
    for (const id of ids)
      await world.layer.messages.send({ id, kind: "no-effect", payload: { id } }, world.ctx);
    await world.consume(5);
    await world.consumeDead();
    return world;
  }

  it("dead letters are listed in pages without their payloads, and each can be looked at, tried and discarded", async () => {
    const ids = Array.from({ length: 60 }, (_, i) => `m${i}`);
    const { write } = await withLetters(ids);
    const first = await (
      await write("GET", "/admin/dead-letters")
    ).json<{
      items: { id: string }[];
      next: number;
    }>();
    expect(first).toMatchObject({ total: 60, waiting: 60 });
    expect(first.items[0]).not.toHaveProperty("message");
    const second = await (
      await write("GET", `/admin/dead-letters?after=${first.next}`)
    ).json<{
      items: { id: string }[];
      next?: number;
    }>();
    expect(second.next).toBeUndefined();
    const listed = [...first.items, ...second.items].map(({ id }) => id);
    expect(listed.toSorted()).toEqual(ids.toSorted());
    expect(await (await write("GET", "/admin/dead-letters/m7")).json()).toMatchObject({
      id: "m7",
      attempts: 5,
      message: { payload: { id: "m7" } },
      error: expect.stringContaining("no effect"),
      firstAt: expect.stringMatching(/^\d{4}-/),
      lastAt: expect.stringMatching(/^\d{4}-/),
    });
    const tried = await write("POST", "/admin/dead-letters/m7/dry-run");
    expect(await tried.json()).toMatchObject({ outcome: "fails" });
    expect((await write("DELETE", "/admin/dead-letters/m7")).status).toBe(204);
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/dry-run"],
      ["POST", "/replay"],
    ] as const)
      expect((await write(method, `/admin/dead-letters/m7${path}`)).status, path).toBe(404);
  });

  it("a dead letter is replayed alone or with all others at a rate", async () => {
    const { write, queue } = await withLetters(["a", "b", "c"]);
    const one = await write("POST", "/admin/dead-letters/a/replay");
    expect([one.status, await one.json()]).toEqual([202, { replayed: 1, unusable: 0 }]);
    const all = await write("POST", "/admin/dead-letters/replay", { perSecond: 1 });
    expect(await all.json()).toEqual({ replayed: 2, unusable: 0 });
    expect(queue.sent.map(({ delaySeconds }) => delaySeconds)).toEqual([0, 0, 1]);
    const wrong = await write("POST", "/admin/dead-letters/replay", { perSecond: 0 });
    expect((await problemOf(wrong)).type).toContain("invalid-input");
  });

  it("a token of the role read lists dead letters and neither replays, discards nor pauses", async () => {
    const token = "read-token-0123456789abcdefgh";
    const { send } = setup({ ADMIN_TOKENS: `reader:read:${token}` });
    const headers = { Authorization: `Bearer ${token}` };
    expect((await send("/admin/dead-letters", { headers })).status).toBe(200);
    expect((await send("/admin/queue", { headers })).status).toBe(200);
    for (const [method, path] of [
      ["POST", "/admin/dead-letters/replay"],
      ["POST", "/admin/dead-letters/a/replay"],
      ["POST", "/admin/dead-letters/a/dry-run"],
      ["DELETE", "/admin/dead-letters/a"],
      ["POST", "/admin/queue/pause"],
      ["POST", "/admin/queue/resume"],
    ] as const)
      expect((await send(path, { method, headers })).status, path).toBe(403);
    expect((await send("/admin/dead-letters")).status).toBe(401);
  });

  it("the consumer is paused and goes on by /admin/queue", async () => {
    const { write, view, consume } = setup();
    const product = await newRow();
    await view(product);
    const paused = await write("POST", "/admin/queue/pause");
    expect(await paused.json()).toMatchObject({ bound: true, paused: true, backlog: 1 });
    await consume();
    expect(await storedViews(product)).toBe(0);
    expect(await (await write("POST", "/admin/queue/resume")).json()).toMatchObject({
      paused: false,
    });
    await consume();
    expect(await storedViews(product)).toBe(1);
  });
});
