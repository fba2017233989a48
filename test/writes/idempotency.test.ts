import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq, sql } from "drizzle-orm";
import type { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { products } from "../../src/api/schema.ts";
import type { IdempotencyOptions, StrataEnv } from "../../src/index.ts";
import { createClient, problemOf } from "../api/client.ts";
import { createTestApp } from "../support/app.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { createGate } from "../support/gate.ts";
import type { TestLayer } from "../support/layer.ts";
import { newCategories, newProduct, stockOf, testDatabase } from "./database.ts";

const key = (value = crypto.randomUUID()) => ({ "Idempotency-Key": value });
const typeOf = (body: string) =>
  (JSON.parse(body) as { type: string }).type.replace("urn:strata:problem:", "");

type Handler = (runs: number, addOne: () => Promise<unknown>) => Promise<Response>;

/** An application whose route adds 1 to the stock of a product. */
async function setup(handler: Handler, options: IdempotencyOptions = {}) {
  const db = testDatabase();
  const [category = 0] = await newCategories(db, 1);
  const product = await newProduct(db, category);
  const runs = { count: 0 };
  const routes = (app: Hono<StrataEnv>, layer: TestLayer) => {
    app.all("/add/:any?", layer.idempotent(options), async (c) => {
      runs.count += 1;
      const addOne = async () =>
        layer.writer.mutate(
          {
            statements: [
              layer.db
                .update(products)
                .set({ stock: sql`${products.stock} + 1` })
                .where(eq(products.id, product))
                .returning({ id: products.id }),
            ],
            tags: [`product:${product}`],
          },
          c.var.strata.ctx,
        );
      return handler(runs.count, addOne);
    });
  };
  const { app, send, url } = createTestApp(uniqueNamespace(), routes);
  const post = (headers: Record<string, string>, body = "{}", path = "/add") =>
    send(new Request(url(path), { method: "POST", headers, body }));
  return { app, url, post, runs, stock: async () => stockOf(db, product) };
}

const addAndAnswer: Handler = async (runs, addOne) => {
  await addOne();
  return Response.json({ runs }, { status: 201, headers: { Location: "/7", "Set-Cookie": "a=b" } });
};

describe("Idempotency-Key", () => {
  it("a repetition of a request with an idempotency key gets the stored answer, marked and without cookies, and changes nothing", async () => {
    const { post, runs, stock } = await setup(addAndAnswer);
    const fields = key();
    const first = await post(fields);
    const again = await post(fields);
    expect([first.status, again.status]).toEqual([201, 201]);
    expect([first.body, again.body]).toEqual(['{"runs":1}', '{"runs":1}']);
    expect(again.headers.get("Location")).toBe("/7");
    expect(first.headers.get("Idempotency-Replayed")).toBeNull();
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect(first.headers.get("Set-Cookie")).toBe("a=b");
    expect(again.headers.get("Set-Cookie")).toBeNull();
    expect([runs.count, await stock()]).toEqual([1, 6]);
  });

  it("requests without an idempotency key run each time, and a route may refuse them", async () => {
    const { post, runs } = await setup(addAndAnswer);
    await post({});
    await post({});
    expect(runs.count).toBe(2);
    const strict = await setup(addAndAnswer, { required: true });
    const refused = await strict.post({});
    expect([refused.status, typeOf(refused.body)]).toEqual([400, "idempotency-key-missing"]);
    expect(strict.runs.count).toBe(0);
  });

  it("an idempotency key that comes with another body or another query is refused with 409", async () => {
    const { post, runs } = await setup(addAndAnswer);
    const fields = key();
    await post(fields);
    for (const [body, path] of [
      ['{"other":1}', "/add"],
      ["{}", "/add?a=1"],
    ] as const) {
      const refused = await post(fields, body, path);
      expect([refused.status, typeOf(refused.body)]).toEqual([409, "idempotency-key-reused"]);
    }
    expect(runs.count).toBe(1);
  });

  it("a request whose idempotency key belongs to a request that runs is refused with 409", async () => {
    const gate = createGate();
    const { post, runs } = await setup(async (count, addOne) => {
      await gate.pass();
      return addAndAnswer(count, addOne);
    });
    const fields = key();
    const running = post(fields);
    await gate.reached;
    const refused = await post(fields);
    expect([refused.status, typeOf(refused.body)]).toEqual([409, "idempotency-key-in-progress"]);
    gate.open();
    expect((await running).status).toBe(201);
    expect(runs.count).toBe(1);
  });

  it("of many requests with one idempotency key at the same time one runs", async () => {
    const { post, runs, stock } = await setup(addAndAnswer);
    const fields = key();
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(fields)));
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThan(0);
    for (const { status } of answers) expect([201, 409]).toContain(status);
    expect([runs.count, await stock()]).toEqual([1, 6]);
  });

  it("the same idempotency key of another caller, route or method is another key", async () => {
    const { app, url, post, runs } = await setup(addAndAnswer);
    const fields = key();
    await post(fields);
    await post({ ...fields, Authorization: "Bearer other" });
    await post({ ...fields, "X-API-Key": "other" });
    await post({ ...fields, "CF-Connecting-IP": "192.0.2.9" });
    await post(fields, "{}", "/add/other");
    const ctx = createExecutionContext();
    await app.fetch(
      new Request(url("/add"), { method: "PUT", headers: fields, body: "{}" }),
      env,
      ctx,
    );
    await waitOnExecutionContext(ctx);
    expect(runs.count).toBe(6);
  });

  it("a request that failed without a change runs again under its idempotency key", async () => {
    const { post, runs, stock } = await setup(async (count, addOne) => {
      if (count === 1) throw new Error("before the change");
      return addAndAnswer(count, addOne);
    });
    const fields = key();
    expect((await post(fields)).status).toBe(503);
    expect((await post(fields)).status).toBe(201);
    expect([runs.count, await stock()]).toEqual([2, 6]);
  });

  it("a request that failed after its change does not change anything again, and its repetition is told so", async () => {
    const { post, runs, stock } = await setup(async (_count, addOne) => {
      await addOne();
      throw new Error("after the change");
    });
    const fields = key();
    expect((await post(fields)).status).toBe(503);
    const again = await post(fields);
    expect([again.status, typeOf(again.body)]).toEqual([409, "idempotency-answer-lost"]);
    expect([runs.count, await stock()]).toEqual([1, 6]);
  });

  it("a request that is killed after its change does not change anything again, although its claim ran out", async () => {
    const killed = createGate();
    const { app, url, post, stock } = await setup(
      async (_count, addOne) => {
        await addOne();
        await killed.pass();
        throw new Error("not reached");
      },
      { timeout: 1 },
    );
    const fields = key();
    const request = new Request(url("/add"), { method: "POST", headers: fields, body: "{}" });
    void app.fetch(request, env, createExecutionContext());
    await killed.reached;
    const again = await post(fields);
    expect([again.status, typeOf(again.body)]).toEqual([409, "idempotency-answer-lost"]);
    expect(await stock()).toBe(6);
  });

  it("a slow request whose claim ran out changes nothing after another request with its idempotency key did", async () => {
    const gate = createGate();
    const { post, stock } = await setup(
      async (count, addOne) => {
        if (count === 1) await gate.pass();
        return addAndAnswer(count, addOne);
      },
      { timeout: 1 },
    );
    const fields = key();
    const slow = post(fields);
    await gate.reached;
    expect((await post(fields)).status).toBe(201);
    gate.open();
    const late = await slow;
    expect([late.status, typeOf(late.body)]).toEqual([409, "idempotency-answer-lost"]);
    expect(await stock()).toBe(6);
    expect((await post(fields)).body).toBe('{"runs":2}');
  });

  it("answers without a body, with bytes and with an error status are stored; one that is too large is not", async () => {
    const bytes = new Uint8Array([0, 255, 128]);
    const large = "x".repeat(300_000);
    const answers = [
      () => new Response(null, { status: 204 }),
      () => new Response(bytes),
      () => Response.json({ no: true }, { status: 422 }),
      () => new Response(large),
    ];
    const { post } = await setup(async (count) => answers[count - 1]!());
    const keys = answers.map(() => key());
    const first = [];
    for (const fields of keys) first.push(await post(fields));
    const again = [];
    for (const fields of keys) again.push(await post(fields));
    expect(again.map(({ status }) => status)).toEqual([204, 200, 422, 409]);
    expect(again.slice(0, 3).map(({ body }) => body)).toEqual(
      first.slice(0, 3).map(({ body }) => body),
    );
    expect(first[3]?.body).toBe(large);
    expect(typeOf(again[3]?.body ?? "")).toBe("idempotency-answer-lost");
  });

  it("a malformed idempotency key is refused with 400, and a body that is too large with 413", async () => {
    const { post, runs } = await setup(addAndAnswer, { maxBodyBytes: 10 });
    for (const malformed of ["", '"', "a b", '"a', "x".repeat(300)]) {
      const refused = await post(key(malformed));
      expect([refused.status, typeOf(refused.body)], malformed).toEqual([
        400,
        "idempotency-key-malformed",
      ]);
    }
    expect((await post(key(), "x".repeat(11))).status).toBe(413);
    expect(runs.count).toBe(0);
  });

  it("a quoted idempotency key is the same key as one without quotes", async () => {
    const { post, runs } = await setup(addAndAnswer);
    await post(key('"k-1"'));
    await post(key("k-1"));
    expect(runs.count).toBe(1);
  });

  it("POST /products with an idempotency key creates one product, however often it is sent", async () => {
    const { write, send } = createClient();
    const [categoryId = 0] = await newCategories(testDatabase(), 1);
    const body = { name: "Peg", description: "", priceCents: 1, categoryId, stock: 1 };
    const init = {
      method: "POST",
      headers: {
        Authorization: `Bearer ${env.ADMIN_TOKEN}`,
        "Content-Type": "application/json",
        ...key(),
      },
      body: JSON.stringify(body),
    };
    const [first, again] = [await send("/products", init), await send("/products", init)];
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(await again.json()).toEqual(await first.json());
    const changed = await send("/products", {
      ...init,
      body: JSON.stringify({ ...body, stock: 2 }),
    });
    expect((await problemOf(changed)).type).toContain("idempotency-key-reused");
    const list = await write("GET", `/products?category=${categoryId}`);
    expect(await list.json()).toMatchObject({ total: 1 });
  });

  it("while Postgres does not answer, a request with an idempotency key gets a 503", async () => {
    const { send } = createClient({ NEON_ENDPOINT: "http://127.0.0.1:1/sql" });
    const refused = await send("/products/1", {
      method: "DELETE",
      headers: { Authorization: `Bearer ${env.ADMIN_TOKEN}`, ...key() },
    });
    expect((await problemOf(refused)).type).toBe("urn:strata:problem:origin-unavailable");
  });
});
