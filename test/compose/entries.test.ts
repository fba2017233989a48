import { env } from "cloudflare:workers";
import { eq, sql } from "drizzle-orm";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import { Hono } from "hono";
import { describe, expect, it, vi } from "vitest";
import {
  CacheUnavailable,
  createStrata,
  DefinitionError,
  definePolicy,
  key,
  type Strata,
} from "../../src/entries/data.ts";
import { cached, middleware, type StrataEnv } from "../../src/entries/hono.ts";
import { overload } from "../../src/entries/overload.ts";
import { passThrough, proxy } from "../../src/entries/proxy.ts";
import { outbox, postgres } from "../../src/entries/postgres.ts";
import { redis } from "../../src/entries/redis.ts";
import { telemetry } from "../../src/entries/telemetry.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const entryRows = pgTable("entry_rows", { id: text("id").primaryKey(), n: integer("n") });
const GREETING = definePolicy({ freshFor: "5m", tags: ["greetings"] });

/** An execution context whose deferred work can be awaited. */
function createExecution() {
  const deferred: Promise<unknown>[] = [];
  const execution = {
    waitUntil: (work: Promise<unknown>) => void deferred.push(work),
    passThroughOnException: () => undefined,
    props: {},
  } as unknown as ExecutionContext;
  async function settle(): Promise<void> {
    for (let at = 0; at < deferred.length; at++) await deferred[at];
  }
  return { execution, settle };
}

function createApp(strata: Strata) {
  const app = new Hono<StrataEnv>();
  let runs = 0;
  app.use(middleware(strata, app));
  app.get("/hello/:name", cached({ freshFor: "5m", tags: ["greetings"] }), (c) =>
    c.text(`Hello, ${c.req.param("name")} ${++runs}`),
  );
  return app;
}

/** Sends a GET request and waits for the work that it deferred. */
async function get(app: Pick<Hono<StrataEnv>, "fetch">, path: string) {
  const { execution, settle } = createExecution();
  const response = await app.fetch(new Request(`https://shop.test${path}`), {}, execution);
  const text = await response.text();
  await settle();
  return { text, status: response.headers.get("x-cache-status"), code: response.status };
}

describe("the entry strata", () => {
  it("a value that one isolate loaded is a hit in another isolate of its data centre, until its tag is invalidated", async () => {
    const namespace = uniqueNamespace();
    const [one, other] = [createStrata({ namespace }), createStrata({ namespace })];
    const { execution, settle } = createExecution();
    let loads = 0;
    const read = async (strata: Strata) => {
      const load = async () => ++loads;
      const found = await strata.open(execution).read(key("greeting", "ada"), GREETING, load);
      await settle();
      return [found.status, found.value];
    };
    expect(await read(one)).toEqual(["miss", 1]);
    expect(await read(other)).toEqual(["hit-edge", 1]);
    await one.open(execution).invalidateTags("greetings");
    expect(await read(one)).toEqual(["miss", 2]);
    expect(one.reach).toBe("data-centre");
  });

  it("cache.warm() without a shared store fails with an error that names the option, and loads nothing", async () => {
    const cache = createStrata({ namespace: uniqueNamespace() }).open();
    let loads = 0;
    const load = async () => {
      loads++;
      return new Map<string, string>();
    };
    expect(() => cache.warm([key("greeting", "ada")], GREETING, load)).toThrow(DefinitionError);
    expect(() => cache.warm([key("greeting", "ada")], GREETING, load)).toThrow(
      "warm: needs the option `shared`",
    );
    expect(loads).toBe(0);
  });

  it.each([
    ["by default", {}],
    ["with the option `origin.overload`", { overload }],
  ])(
    "%s, at most as many loads run at the same time as there are slots, and a load that gets none in time fails",
    async (_, more) => {
      const origin = { slots: 2, slotWait: "50ms", ...more } as const;
      const strata = createStrata({ namespace: uniqueNamespace(), origin });
      const open = Promise.withResolvers<undefined>();
      let running = 0;
      let most = 0;
      const read = async (id: number) => {
        const { value } = await strata.open().read(key("n", id), GREETING, async () => {
          most = Math.max(most, ++running);
          await open.promise;
          running--;
          return id;
        });
        return value;
      };
      const first = [read(1), read(2)];
      await vi.waitFor(() => expect(running).toBe(2));
      await expect(read(3)).rejects.toThrow(CacheUnavailable);
      open.resolve(undefined);
      expect(await Promise.all(first)).toEqual([1, 2]);
      expect(await read(3)).toBe(3);
      expect(most).toBe(2);
    },
  );

  it("an invalidation reaches another isolate of the data centre within the coherence bound", async () => {
    const namespace = uniqueNamespace();
    const [one, other] = [createStrata({ namespace }), createStrata({ namespace })];
    const { execution, settle } = createExecution();
    const policy = definePolicy({ freshFor: "5m", coherence: 1 });
    const read = async (strata: Strata, value: number) => {
      const found = await strata.open(execution).read(key("n", 1), policy, async () => value);
      await settle();
      return found.value;
    };
    expect(await read(one, 1)).toBe(1);
    expect(await read(other, 2)).toBe(1);
    await one.open(execution).invalidate(key("n", 1));
    await scheduler.wait(5);
    expect(await read(other, 3)).toBe(3);
  });

  it("with Redis as the shared store, an isolate of another data centre hits what the first one loaded", async () => {
    const namespace = uniqueNamespace();
    const shared = () =>
      redis({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN });
    const policy = definePolicy({ freshFor: "5m", tiers: ["memory", "redis"], tags: ["a"] });
    const [one, other] = [
      createStrata({ namespace, shared: shared() }),
      createStrata({ namespace, shared: shared() }),
    ];
    const { execution, settle } = createExecution();
    const read = async (strata: Strata, value: string) => {
      const found = await strata.open(execution).read(key("a", 1), policy, async () => value);
      await settle();
      return [found.status, found.value];
    };
    expect(await read(one, "first")).toEqual(["miss", "first"]);
    expect(await read(other, "second")).toEqual(["hit-redis", "first"]);
    await other.open(execution).purge({ tags: ["a"] });
    expect(await read(other, "third")).toEqual(["miss", "third"]);
    expect(one.reach).toBe("everywhere");
  });

  it("createStrata names every wrong option", () => {
    const options = { namespace: "No Upper Case", memory: { maxBytes: -1, colour: "red" } };
    expect(() => createStrata(options as never)).toThrow(DefinitionError);
    expect(() => createStrata(options as never)).toThrow(
      /namespace: must be .*memory\.maxBytes: must be .*memory\.colour: is unknown/,
    );
  });

  it("redis() names a wrong option and never quotes the token", () => {
    const wrong = () => redis({ url: "ftp://x", token: "secret-1", breaker: { failures: 0 } });
    expect(wrong).toThrow(/url: must be .*breaker\.failures: must be/);
    expect(wrong).not.toThrow(/secret-1/);
  });
});

describe("the entry strata/postgres", () => {
  it("a change of a row reaches readers of another isolate, and the outbox keeps nothing after the relay", async () => {
    const namespace = uniqueNamespace();
    const shared = () =>
      redis({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN });
    const [one, other] = [
      createStrata({ namespace, shared: shared() }),
      createStrata({ namespace, shared: shared() }),
    ];
    const endpoint = env.NEON_ENDPOINT;
    const writer = postgres(one, {
      url: env.DATABASE_URL,
      ...(endpoint && { endpoint }),
      outbox: { verifyAfter: 0 },
    });
    const { db } = writer;
    await db.execute(sql`create table if not exists entry_rows (id text primary key, n int)`);
    await db.execute(sql`insert into entry_rows values (${namespace}, 1)`);
    const policy = definePolicy({ freshFor: "5m", coherence: 1, tags: ["rows"] });
    const { execution, settle } = createExecution();
    const read = async () => {
      const found = await other.open(execution).read(key("row", namespace), policy, async () => {
        const { rows } = await db.execute(sql`select n from entry_rows where id = ${namespace}`);
        return rows[0]?.["n"];
      });
      await settle();
      return found.value;
    };
    expect(await read()).toBe(1);
    const written = await writer.mutate(
      {
        statements: [
          db.update(entryRows).set({ n: 2 }).where(eq(entryRows.id, namespace)).returning(),
        ],
        tags: ["rows"],
      },
      execution,
    );
    expect(written.invalidation).toBe("done");
    await scheduler.wait(5);
    expect(await read()).toBe(2);
    await writer.relay(execution);
    await settle();
    const left = await db.select().from(outbox).where(eq(outbox.namespace, namespace));
    expect(left).toEqual([]);
  });

  it("postgres() never quotes the connection string of a wrong option", () => {
    const wrong = () =>
      postgres(createStrata({ namespace: "shop" }), { url: "mysql://ada:secret@host/db" });
    expect(wrong).toThrow(/url: must be a connection string of Postgres/);
    expect(wrong).not.toThrow(/secret/);
  });
});

describe("the entry strata/telemetry", () => {
  it("a request of a Hono application with telemetry answers with a traceparent", async () => {
    const strata = createStrata({ namespace: uniqueNamespace() });
    const app = new Hono<StrataEnv>();
    const variables = { OTEL_TRACES_SAMPLER: "always_on", STRATA_LOG: "off" };
    app.use(middleware(strata, app, { telemetry: telemetry(variables) }));
    app.get("/hello", cached({ freshFor: "5m" }), (c) => c.text("hello"));
    const { execution } = createExecution();
    const response = await app.fetch(new Request("https://shop.test/hello"), {}, execution);
    expect(response.headers.get("traceparent")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it("telemetry() names a wrong variable without its value", () => {
    expect(() => telemetry({ OTEL_EXPORTER_OTLP_ENDPOINT: "no url" })).toThrow(
      /OTEL_EXPORTER_OTLP_ENDPOINT/,
    );
  });
});

describe("the entries strata/hono and strata/proxy", () => {
  it("a cached route of a Hono application answers MISS, then HIT, and MISS after its tag was invalidated", async () => {
    const strata = createStrata({ namespace: uniqueNamespace() });
    const app = createApp(strata);
    expect(await get(app, "/hello/ada")).toMatchObject({ text: "Hello, ada 1", status: "MISS" });
    expect(await get(app, "/hello/ada")).toMatchObject({ text: "Hello, ada 1", status: "HIT" });
    await strata.open().invalidateTags("greetings");
    expect(await get(app, "/hello/ada")).toMatchObject({ text: "Hello, ada 2", status: "MISS" });
  });

  it("a proxy without an application caches what its origin allows", async () => {
    let requests = 0;
    const worker = proxy(createStrata({ namespace: uniqueNamespace() }), {
      origin: new URL("https://origin.test"),
      fetch: async () =>
        new Response(`answer ${++requests}`, { headers: { "Cache-Control": "max-age=60" } }),
    });
    expect(await get(worker, "/a")).toMatchObject({ text: "answer 1", status: "MISS" });
    expect(await get(worker, "/a")).toMatchObject({ text: "answer 1", status: "HIT" });
  });

  it("a proxied path inside a Hono application asks the origin for the path without the prefix", async () => {
    const strata = createStrata({ namespace: uniqueNamespace() });
    const app = createApp(strata);
    const paths: string[] = [];
    app.all(
      "/blog/*",
      passThrough(strata, {
        origin: new URL("https://origin.test"),
        prefix: "/blog",
        fetch: async (url) => {
          paths.push(url.pathname);
          return new Response("ok");
        },
      }),
    );
    expect((await get(app, "/blog/post")).code).toBe(200);
    expect(paths).toEqual(["/post"]);
  });
});
