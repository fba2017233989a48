import { contextStorage, getContext } from "hono/context-storage";
import { describe, expect, it } from "vitest";
import { stream } from "hono/streaming";
import { cached } from "../../../../src/index.ts";
import { ADA, BOB, createCarelessApp, type CarelessEnv } from "./careless-app.ts";

const HOUR = { freshFor: "1h" } as const;

describe("a cached route whose handler reads a variable that its key does not name", () => {
  it.each<[string, Parameters<typeof createCarelessApp>[0]]>([
    ["c.get", (app) => app.get("/", cached(HOUR), (c) => c.text(`hi ${c.get("user")}`))],
    ["c.var", (app) => app.get("/", cached(HOUR), (c) => c.text(`hi ${c.var.user}`))],
    [
      "a spread of c.var",
      (app) => app.get("/", cached(HOUR), (c) => c.text(`hi ${{ ...c.var }.user}`)),
    ],
    [
      "a middleware behind cached()",
      (app) =>
        app.get(
          "/",
          cached(HOUR),
          async (c, next) => {
            c.set("flash", `hi ${c.get("user")}`);
            await next();
          },
          (c) => c.text(c.get("flash") ?? ""),
        ),
    ],
    [
      "getContext()",
      (app) => {
        app.use(contextStorage());
        const nameOfUser = () => getContext<CarelessEnv>().get("user");
        app.get("/", cached(HOUR), (c) => c.text(`hi ${nameOfUser()}`));
      },
    ],
    [
      "the stream of its body",
      (app) =>
        app.get("/", cached(HOUR), (c) =>
          stream(c, async (out) => {
            await new Promise((resolve) => setTimeout(resolve, 5));
            await out.write(`hi ${c.get("user")}`);
          }),
        ),
    ],
  ])(
    "a second user does not get the first user's page if a cached route reads the variable `user` by %s",
    async (_, routes) => {
      const { get } = createCarelessApp(routes);
      const first = await get("/", ADA);
      const second = await get("/", BOB);
      expect([first.body, second.body]).toEqual(["hi ada", "hi bob"]);
    },
  );

  it("a response whose handler reads a variable outside the key has Cache-Control: private, no-store, and Cache-Status names the variable", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/", cached(HOUR), (c) =>
        c.text(`hi ${c.get("user")}`, 200, {
          "Cache-Control": "public, max-age=60",
          "CDN-Cache-Control": "max-age=60",
          Expires: new Date(4e12).toUTCString(),
        }),
      ),
    );
    for (const client of [ADA, BOB]) {
      const { headers } = await get("/", client);
      expect(headers.get("Cache-Control")).toBe("private, no-store");
      expect(headers.get("CDN-Cache-Control")).toBeNull();
      expect(headers.get("Expires")).toBeNull();
      expect(headers.get("Cache-Status")).toBe(
        "strata; fwd=bypass; fwd-status=200; detail=unkeyed-user",
      );
      expect(headers.get("X-Cache-Status")).toBe("BYPASS");
    }
  });

  it("Cache-Control: private that a handler sets stays unchanged if the handler reads a variable outside the key of its cached route", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/", cached(HOUR), (c) =>
        c.text(`hi ${c.get("user")}`, 200, { "Cache-Control": "private, max-age=60" }),
      ),
    );
    expect((await get("/", ADA)).headers.get("Cache-Control")).toBe("private, max-age=60");
  });

  it("a user does not get the page of a client that is not logged in if the handler of a cached route reads the variable `user`", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/", cached(HOUR), (c) => c.text(c.get("user") ?? "please log in")),
    );
    expect((await get("/")).body).toBe("please log in");
    expect((await get("/", ADA)).body).toBe("ada");
  });

  it("three concurrent users each get a page of their own if the handler of a cached route reads the variable `user`", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/", cached(HOUR), async (c) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return c.text(`hi ${c.get("user")}`);
      }),
    );
    const answers = await Promise.all(
      [ADA, BOB, { Cookie: "sid=eve" }].map((who) => get("/", who)),
    );
    expect(answers.map(({ body }) => body)).toEqual(["hi ada", "hi bob", "hi eve"]);
    for (const { headers } of answers)
      expect(headers.get("Cache-Control")).toBe("private, no-store");
  });

  it("Cache-Status has the detail `unkeyed-user` if the function in the option `tags` reads the variable `user`, which is not in the key", async () => {
    const { get } = createCarelessApp((app) =>
      app.get(
        "/",
        cached({ ...HOUR, tags: (c) => [`user:${(c.var as { user?: string }).user}`] }),
        (c) => c.text("page"),
      ),
    );
    expect((await get("/", ADA)).headers.get("Cache-Status")).toContain("detail=unkeyed-user");
  });
});

describe("a cached route that says which variables it uses", () => {
  it("a cached route stores one response for each value of a variable that the key names", async () => {
    let calls = 0;
    const { get } = createCarelessApp((app) =>
      app.get("/", cached({ ...HOUR, key: { variables: ["user"] } }), (c) =>
        c.text(`${++calls} ${c.get("user") ?? "nobody"}`),
      ),
    );
    const bodies = [];
    for (const client of [ADA, BOB, ADA, {}, BOB, {}]) bodies.push((await get("/", client)).body);
    expect(bodies).toEqual(["1 ada", "2 bob", "1 ada", "3 nobody", "2 bob", "3 nobody"]);
  });

  it("a function in the option `key.variables` of a cached route selects the part of a variable that goes into the key", async () => {
    let calls = 0;
    type Account = { readonly id: string } | undefined;
    const variables = { account: (account: Account) => account?.id ?? "" };
    const { get } = createCarelessApp((app) =>
      app.get("/", cached({ ...HOUR, key: { variables } }), (c) =>
        c.text(`${++calls} ${c.get("account")?.name}`),
      ),
    );
    await get("/", ADA);
    await get("/", BOB);
    const again = await get("/", ADA);
    expect([again.body, again.headers.get("X-Cache-Status")]).toEqual(["1 name of ada", "HIT"]);
  });

  it("a cached route answers 503 with an error that names the variable if a variable in the key has an object as its value", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/", cached({ ...HOUR, key: { variables: ["account"] } }), (c) => c.text("page")),
    );
    const { status, body } = await get("/", ADA);
    expect(status).toBe(503);
    expect((JSON.parse(body) as { detail: string }).detail).toContain(
      'the variable "account" is an object',
    );
  });

  it("two values of a variable in the key that differ only in type, such as a number and a string, do not share a stored response", async () => {
    const { get } = createCarelessApp((app) => {
      app.use(async (c, next) => {
        const value = { one: 1, text: "1", yes: true, word: "true", none: undefined }[
          c.req.header("X-Case") ?? ""
        ];
        c.set("user", value as never);
        await next();
      });
      app.get("/", cached({ ...HOUR, key: { variables: ["user"] } }), (c) =>
        c.text(`${typeof c.get("user")} ${c.get("user")}`),
      );
    });
    for (const [name, body] of [
      ["one", "number 1"],
      ["text", "string 1"],
      ["yes", "boolean true"],
      ["word", "string true"],
      ["none", "undefined undefined"],
    ] as const)
      expect((await get("/", { "X-Case": name })).body).toBe(body);
  });

  it("clients share a stored response whose handler reads a variable outside the key if the option `shared` names that variable", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/", cached({ ...HOUR, shared: ["db"] }), (c) => c.text(c.get("db").name)),
    );
    await get("/", ADA);
    expect((await get("/", BOB)).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("clients share a stored response whose handler reads a variable that middleware after cached() sets", async () => {
    const { get } = createCarelessApp((app) =>
      app.get(
        "/",
        cached(HOUR),
        async (c, next) => {
          c.set("flash", "same for all");
          await next();
        },
        (c) => c.text(`${c.get("flash")} ${c.var.flash}`),
      ),
    );
    await get("/", ADA);
    expect((await get("/", BOB)).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("middleware before cached() sees all variables and cookies of the request, before and after it calls next()", async () => {
    const seen: unknown[] = [];
    const { get } = createCarelessApp((app) => {
      app.use(async (c, next) => {
        const look = () =>
          seen.push([c.get("user"), c.var.user, c.req.header("Cookie"), c.req.path, c.req.method]);
        look();
        await next();
        look();
      });
      app.get("/", cached(HOUR), (c) => c.text("page"));
    });
    await get("/", ADA);
    await get("/", ADA);
    expect(seen).toEqual([1, 2, 3, 4].map(() => ["ada", "ada", "sid=ada", "/", "GET"]));
  });
});
