import { Hono } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import { describe, expect, it } from "vitest";
import { RecentPathsRouter } from "../../src/api/router.ts";
import { createClient } from "./client.ts";

type Answer = (c: { req: { param(): object } }) => Response;

/** The same routes with a router: fixed paths beside parameters, middleware, and fallbacks. */
function withRoutes(app: Hono): Hono {
  const answer =
    (name: string): Answer =>
    (c) =>
      new Response(JSON.stringify([name, c.req.param()]));
  app.use(async (c, next) => {
    await next();
    c.res.headers.append("X-Passed", "all");
  });
  app.use("/admin/*", async (c, next) => {
    await next();
    c.res.headers.append("X-Passed", "admin");
  });
  app.get("/items", answer("list"));
  app.get("/items/best", (c, next) =>
    c.req.query("pass") === undefined ? answer("best")(c) : next(),
  );
  app.get("/items/:id", answer("item"));
  app.get("/items/:id/views", answer("views"));
  app.post("/items/best/views", answer("post"));
  app.get("/admin/limits/:identity{.+}", answer("limit"));
  app.all("/origin/*", answer("origin"));
  return app;
}

const PATHS = [
  "/",
  "/items",
  "/items/",
  "/items/best",
  "/items/best?pass",
  "/items/7",
  "/items/7/views",
  "/items/best/views",
  "/items/__proto__",
  "/constructor",
  "/admin/limits/a/b",
  "/admin",
  "/origin",
  "/origin/items/best",
  "/none",
];

describe("RecentPathsRouter", () => {
  it.each(["GET", "HEAD", "POST", "PURGE"])(
    "answers %s requests as the tree router does, the first time and again",
    async (method) => {
      const tree = withRoutes(new Hono({ router: new TrieRouter() }));
      const fixed = withRoutes(new Hono({ router: new RecentPathsRouter() }));
      const describeAnswer = async (app: Hono, path: string) => {
        const answer = await app.request(path, { method });
        return [answer.status, answer.headers.get("X-Passed"), await answer.text()];
      };
      for (const path of [...PATHS, ...PATHS])
        expect([path, await describeAnswer(fixed, path)]).toEqual([
          path,
          await describeAnswer(tree, path),
        ]);
    },
  );

  it("answers each of more paths than it keeps with the parameters of that path", async () => {
    const app = withRoutes(new Hono({ router: new RecentPathsRouter() }));
    for (const round of [1, 2])
      for (let id = 0; id < 1_500; id++) {
        const answer = await app.request(`/items/${id}/views`);
        expect([round, await answer.json()]).toEqual([round, ["views", { id: `${id}` }]]);
      }
  });

  it("matches the patterns of the reference API by one regular expression", async () => {
    const { isolate, send } = createClient();
    await send("/categories");
    await send("/products/1");
    expect(isolate.app.router.name).toBe("RecentPathsRouter, SmartRouter + RegExpRouter");
  });
});
