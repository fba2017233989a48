/** docs/guides/caching-a-route-safely.md: its examples are those of guide-examples.ts, and do what it says. */
import type { Hono } from "hono";
import { describe, expect, it } from "vitest";
import page from "../../../docs/guides/caching-a-route-safely.md?raw";
import { createTestApp, type TestAnswer } from "../../support/app.ts";
import { uniqueNamespace } from "../../support/isolate.ts";
import * as examples from "./guide-examples.ts";

const [source = ""] = Object.values(
  import.meta.glob("./guide-examples.ts", { query: "?raw", import: "default", eager: true }),
);

type Client = "ada" | "bob" | "nobody";

/** Sends requests to an example in turn, each as one client. */
async function run(
  example: (app: Hono<examples.GuideEnv>) => void,
  requests: readonly (readonly [client: Client, path: string, init?: RequestInit])[],
): Promise<readonly TestAnswer[]> {
  let client: Client = "nobody";
  const { send } = createTestApp(uniqueNamespace(), (strict) => {
    const app = strict as unknown as Hono<examples.GuideEnv>;
    app.use(async (c, next) => {
      c.set("user", { id: client, name: client });
      c.set("tenant", client);
      c.set("db", { articles: () => Promise.resolve(["one"]) });
      examples.runAs(client);
      await next();
    });
    example(app);
  });
  const answers: TestAnswer[] = [];
  for (const [as, path, init] of requests) {
    client = as;
    answers.push(await send(new Request(`http://x.test${path}`, init)));
  }
  return answers;
}

const bodies = (answers: readonly TestAnswer[]) => answers.map(({ body }) => body);
const sources = (answers: readonly TestAnswer[]) =>
  answers.map(({ headers }) => headers.get("X-Cache-Status"));
const detail = (answer: TestAnswer | undefined) => answer?.headers.get("Cache-Status");

describe("the guide to caching a route safely", () => {
  it("docs/guides/caching-a-route-safely.md shows every example of guide-examples.ts, and no other TypeScript code", () => {
    const plain = (text: string) => text.replaceAll(/^ +/gm, "");
    const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);
    expect(blocks).toHaveLength(Object.keys(examples).filter((name) => name !== "runAs").length);
    for (const block of blocks) expect(plain(source)).toContain(plain(block));
  });

  it("a page whose handler reads the variable `user` is stored only if the key names that variable", async () => {
    const requests = [
      ["ada", "/home"],
      ["bob", "/home"],
      ["ada", "/home"],
    ] as const;
    const forgotten = await run(examples.userForgotten, requests);
    expect(bodies(forgotten)).toEqual(["Hello, ada", "Hello, bob", "Hello, ada"]);
    expect(detail(forgotten[1])).toBe("strata; fwd=bypass; fwd-status=200; detail=unkeyed-user");
    const named = await run(examples.userInKey, requests);
    expect(bodies(named)).toEqual(["Hello, ada", "Hello, bob", "Hello, ada"]);
    expect(sources(named)).toEqual(["MISS", "MISS", "HIT"]);
  });

  it("clients share a stored response whose handler reads the variable `db` if the option `shared` names that variable", async () => {
    const answers = await run(examples.sharedVariable, [
      ["ada", "/articles"],
      ["bob", "/articles"],
    ]);
    expect(sources(answers)).toEqual(["MISS", "HIT"]);
  });

  it("the handler of a cached route sees a cookie only if the key names that cookie", async () => {
    const dark = { headers: { Cookie: "theme=dark; sid=1" } };
    const requests = [
      ["ada", "/", dark],
      ["bob", "/"],
    ] as const;
    expect(bodies(await run(examples.cookieForgotten, requests))).toEqual(["light", "light"]);
    expect(bodies(await run(examples.cookieInKey, requests))).toEqual(["dark", "light"]);
  });

  it("a cached route whose key names `country` of request.cf stores one page for each country", async () => {
    const answers = await run(examples.countryInKey, [
      ["ada", "/prices", { cf: { country: "CH" } }],
      ["bob", "/prices", { cf: { country: "AT" } }],
      ["ada", "/prices", { cf: { country: "CH" } }],
    ]);
    expect(bodies(answers)).toEqual(["CHF 10", "EUR 10", "CHF 10"]);
    expect(sources(answers)).toEqual(["MISS", "MISS", "HIT"]);
  });

  it("a page made from a tenant's data is stored only if the key names the tenant", async () => {
    const requests = [
      ["ada", "/cart"],
      ["bob", "/cart"],
      ["ada", "/cart"],
    ] as const;
    const forgotten = await run(examples.tenantForgotten, requests);
    expect(bodies(forgotten)).toEqual(['"cart of ada"', '"cart of bob"', '"cart of ada"']);
    expect(detail(forgotten[2])).toContain("detail=unkeyed-tenant");
    expect(sources(await run(examples.tenantInKey, requests))).toEqual(["MISS", "MISS", "HIT"]);
  });

  it("an access check after cached() admits no client, and clients that pass an access check before cached() share a stored response", async () => {
    const requests = [
      ["ada", "/report", { headers: { Authorization: "Bearer t0k3n" } }],
      ["bob", "/report", { headers: { Authorization: "Bearer t0k3n" } }],
      ["nobody", "/report"],
    ] as const;
    expect(bodies(await run(examples.guardBehind, requests))).not.toContain("the report");
    const guarded = await run(examples.guardBefore, requests);
    expect(sources(guarded).slice(0, 2)).toEqual(["MISS", "HIT"]);
    expect(guarded[2]?.body).not.toContain("the report");
  });

  it("a page whose handler reads a path parameter is stored only if the key function reads that parameter too", async () => {
    const requests = [
      ["ada", "/de/about"],
      ["bob", "/fr/about"],
      ["ada", "/de/about"],
    ] as const;
    const forgotten = await run(examples.partForgotten, requests);
    expect(bodies(forgotten)).toEqual(["about, in de", "about, in fr", "about, in de"]);
    expect(detail(forgotten[0])).toContain("detail=unkeyed-lang");
    expect(sources(await run(examples.partInKey, requests))).toEqual(["MISS", "MISS", "HIT"]);
  });
});
