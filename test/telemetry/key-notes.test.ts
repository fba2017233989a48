import { describe, expect, it } from "vitest";
import { createKeyNotes } from "../../src/telemetry/key-notes.ts";
import { createWorld } from "../engine/why-world.ts";
import { createTestContext } from "../support/context.ts";
import { createTelemetryApp, newNamespace } from "./support.ts";

describe("the notes behind why", () => {
  it("the isolate remembers the keys that it noted last, at most 512, and at most 8 notes of each", () => {
    const notes = createKeyNotes({ now: () => 5, invalidationOf: () => undefined });
    const answer = (name: string) =>
      notes.note({
        type: "lookup.end",
        key: name,
        status: "miss",
        negative: false,
        unreachable: false,
      });
    answer("first");
    for (let i = 0; i < 20; i++) answer("second");
    for (let i = 0; i < 511; i++) answer(`n${i}`);
    expect(notes.of("first")).toEqual([]);
    expect(notes.of("second")).toHaveLength(8);
    expect(notes.of("n510")).toEqual([{ at: 5, type: "answered", status: "miss" }]);
    for (let i = 0; i < 300; i++) notes.refuse(`https://shop.test/${i}`);
    expect([notes.refusalsOf("/0"), notes.refusalsOf("/299")]).toEqual([
      undefined,
      { count: 1, at: 5 },
    ]);
  });

  it("a memory hit is not noted", async () => {
    const { read, layer } = createWorld();
    await read("1");
    const before = (await layer.why("thing:1", createTestContext())).last?.at;
    await read("1");
    expect((await layer.why("thing:1", createTestContext())).last?.at).toBe(before);
  });

  it("the refused requests for a path are counted, and a path without refusals has none", async () => {
    const app = createTelemetryApp(newNamespace(), (routes, { rateLimits }) => {
      routes.use(rateLimits.rateLimit({ ip: "1/1m", mode: "fast" }));
      routes.get("/limited", (c) => c.text("yes"));
    });
    const from = { "CF-Connecting-IP": "192.0.2.7" };
    for (let i = 0; i < 3; i++) await app.get("/limited?page=1", from);
    expect(app.layer.refusalsOf("/limited?page=1")?.count).toBe(2);
    expect(app.layer.refusalsOf("/limited")).toBeUndefined();
  });
});
