import { Hono } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createRecallingRouter } from "../../src/api/recalling-router.ts";

const app = new Hono({ router: createRecallingRouter() });
app.use("/items/*", async (c, next) => {
  await next();
  c.header("X-Seen", c.req.path);
});
app.get("/items/newest", (c) => c.text("newest"));
app.get("/items/:id", (c) => c.text(`item ${c.req.param("id")}`));
app.delete("/items/:id", (c) => c.text(`deleted ${c.req.param("id")}`));

const answerOf = async (path: string, method = "GET") => {
  const response = await app.request(path, { method });
  return [response.status, await response.text(), response.headers.get("X-Seen")];
};

describe("createRecallingRouter", () => {
  afterEach(() => vi.restoreAllMocks());

  it("answers a path in the same way each time", async () => {
    for (let time = 0; time < 3; time++) {
      expect(await answerOf("/items/newest")).toEqual([200, "newest", "/items/newest"]);
      expect(await answerOf("/items/7?a=1")).toEqual([200, "item 7", "/items/7"]);
      expect(await answerOf("/items/8")).toEqual([200, "item 8", "/items/8"]);
      expect(await answerOf("/items/7", "DELETE")).toEqual([200, "deleted 7", "/items/7"]);
      expect((await answerOf("/items/7", "PUT"))[0]).toBe(404);
      expect((await answerOf("/others"))[0]).toBe(404);
    }
  });

  it("searches once for a path, and each time for a long one", async () => {
    const match = vi.spyOn(TrieRouter.prototype, "match");
    const searchesFor = async (path: string) => {
      match.mockClear();
      for (let time = 0; time < 3; time++) await answerOf(path);
      return match.mock.calls.length;
    };
    expect(await searchesFor("/items/9")).toBe(1);
    expect(await searchesFor(`/items/${"9".repeat(300)}`)).toBe(3);
  });
});
