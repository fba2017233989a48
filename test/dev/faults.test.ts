import { request as httpRequest } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createRedisGateway } from "../../dev/gateway/redis.ts";
import { createSqlGateway } from "../../dev/gateway/sql.ts";
import { createEmbeddedEngine } from "../../dev/redis/embedded/engine.ts";
import type { SqlEngine, SqlQuery, SqlResult } from "../../dev/sql/engine.ts";
import { serveGateways } from "./support/gateways.ts";
import type { TestGateways } from "./support/gateways.ts";

const TOKEN = "the-token";

/** A database that only remembers what it was asked: these tests are about what happens around it. */
function createRecordingSql(): SqlEngine & { readonly executed: string[] } {
  const executed: string[] = [];
  const answer = ({ text }: SqlQuery): SqlResult => {
    executed.push(text);
    return { command: "SELECT", rowCount: 0, fields: [], rows: [] };
  };
  return {
    executed,
    label: "recording",
    query: async (query) => answer(query),
    batch: async (_mode, queries) => queries.map(answer),
    wipe: async () => undefined,
    migrate: async () => undefined,
    seed: async () => undefined,
    close: async () => undefined,
  };
}

describe("injected faults", () => {
  const database = createRecordingSql();
  const engine = createEmbeddedEngine();
  let gateways: TestGateways;

  beforeAll(async () => {
    gateways = await serveGateways((counts) => [
      createRedisGateway({ engine, token: TOKEN, counts }),
      createSqlGateway(database, counts),
    ]);
  });
  afterAll(() => gateways.close());
  beforeEach(async () => {
    await engine.wipe();
    await gateways.resetCounts();
    database.executed.length = 0;
  });
  afterEach(() => gateways.clearFaults());

  const redis = (...command: readonly string[]): Promise<Response> =>
    fetch(`${gateways.url}/redis`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify(command),
    });
  const sql = (query: string): Promise<Response> =>
    fetch(`${gateways.url}/sql`, { method: "POST", body: JSON.stringify({ query }) });
  const stored = async (key: string): Promise<unknown> => {
    await gateways.clearFaults();
    return ((await (await redis("GET", key)).json()) as { result: unknown }).result;
  };

  it("latencyMs delays the answer after the engine has executed, each call by itself", async () => {
    await gateways.fault("redis", { latencyMs: 150 });
    const started = performance.now();
    const answers = Promise.all(Array.from({ length: 20 }, (_, index) => redis("SET", `k${index}`, "v")));
    await expect.poll(() => engine.run({ kind: "command", name: "DBSIZE", args: [] })).toMatchObject({ reply: 20 });
    const executedAfter = performance.now() - started;
    await answers;
    const elapsed = performance.now() - started;
    expect(executedAfter).toBeLessThan(elapsed);
    expect(elapsed).toBeGreaterThanOrEqual(149);
    expect(elapsed).toBeLessThan(1_000);
  });

  it("jitterMs adds up to that much", async () => {
    await gateways.fault("redis", { latencyMs: 20, jitterMs: 60 });
    const times = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const started = performance.now();
        await redis("PING");
        return performance.now() - started;
      }),
    );
    expect(Math.min(...times)).toBeGreaterThanOrEqual(19);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(15);
  });

  it("errorRate 1 answers 500 in the service's own form and executes nothing", async () => {
    await gateways.fault("redis", { errorRate: 1 });
    const response = await redis("SET", "k", "v");
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: "ERR Injected fault" });
    expect((await gateways.counts()).redis).toEqual({ requests: 1, commands: 0 });
    expect(await stored("k")).toBeNull();
  });

  it("status chooses the error, alone for every call", async () => {
    await gateways.fault("sql", { status: 503 });
    const response = await sql("SELECT 1");
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ message: "Injected fault", code: null });
    expect(database.executed).toEqual([]);
  });

  it("errorRate between hits some calls and not others", async () => {
    await gateways.fault("redis", { errorRate: 0.5, status: 429 });
    const statuses = await Promise.all(Array.from({ length: 100 }, async () => (await redis("PING")).status));
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
  });

  it("errorRate 0 hits none", async () => {
    await gateways.fault("redis", { errorRate: 0, status: 500 });
    expect((await redis("PING")).status).toBe(200);
  });

  it.each([
    ["true", true],
    ['"after"', "after" as const],
  ])("hang %s executes and never answers, until the faults are cleared", async (_name, hang) => {
    await gateways.fault("redis", { hang });
    let answered = false;
    const answer = redis("SET", "k", "v").finally(() => {
      answered = true;
    });
    await expect.poll(() => engine.run({ kind: "command", name: "EXISTS", args: [Buffer.from("k")] })).toMatchObject({ reply: 1 });
    expect(answered).toBe(false);
    await gateways.clearFaults();
    expect(await (await answer).json()).toEqual({ result: "OK" });
  });

  it('hang "before" does not execute until the faults are cleared', async () => {
    await gateways.fault("sql", { hang: "before" });
    const answer = sql("SELECT 1");
    await expect.poll(async () => (await gateways.counts()).sql.requests).toBe(1);
    expect(database.executed).toEqual([]);
    await gateways.clearFaults();
    expect((await answer).status).toBe(200);
    expect(database.executed).toEqual(["SELECT 1"]);
  });

  it('hang "before" executes nothing for a client that has left', async () => {
    await gateways.fault("sql", { hang: "before" });
    await expect(fetch(`${gateways.url}/sql`, { method: "POST", body: '{"query":"SELECT 1"}', signal: AbortSignal.timeout(50) })).rejects.toThrow();
    await gateways.clearFaults();
    expect((await sql("SELECT 2")).status).toBe(200);
    expect(database.executed).toEqual(["SELECT 2"]);
  });

  it("hang false hangs nothing", async () => {
    await gateways.fault("redis", { hang: false });
    expect((await redis("PING")).status).toBe(200);
  });

  it("a new fault releases what the one before held", async () => {
    await gateways.fault("redis", { hang: true });
    const answer = redis("PING");
    await expect.poll(async () => (await gateways.counts()).redis.requests).toBe(1);
    await gateways.fault("redis", { latencyMs: 1 });
    expect((await answer).status).toBe(200);
  });

  it("reset executes and resets the connection", async () => {
    await gateways.fault("redis", { reset: true });
    await expect(redis("SET", "k", "v")).rejects.toMatchObject({ cause: { code: "ECONNRESET" } });
    expect(await stored("k")).toBe("v");
  });

  it("truncate executes, announces the whole answer and sends half of it", async () => {
    await gateways.fault("redis", { truncate: true });
    const received = await new Promise<{ announced: number; body: string; complete: boolean }>((resolve, reject) => {
      const request = httpRequest(`${gateways.url}/redis`, { method: "POST", headers: { authorization: `Bearer ${TOKEN}` } });
      request.on("error", reject);
      request.on("response", (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.on("error", () => undefined);
        response.on("close", () =>
          resolve({ announced: Number(response.headers["content-length"]), body, complete: response.complete }),
        );
      });
      request.end(JSON.stringify(["SET", "k", "v"]));
    });
    expect(received).toEqual({ announced: '{"result":"OK"}'.length, body: '{"resul', complete: false });
    expect(await stored("k")).toBe("v");
  });

  describe("only", () => {
    it("read spares writes", async () => {
      await gateways.fault("redis", { status: 500, only: "read" });
      expect((await redis("SET", "k", "v")).status).toBe(200);
      expect((await redis("EVAL", "return 1", "0")).status).toBe(200);
      expect((await redis("GET", "k")).status).toBe(500);
      expect((await redis("EVAL_RO", "return 1", "0")).status).toBe(500);
    });

    it("write spares reads", async () => {
      await gateways.fault("redis", { status: 500, only: "write" });
      expect((await redis("GET", "k")).status).toBe(200);
      expect((await redis("SET", "k", "v")).status).toBe(500);
    });

    it("tells SQL apart by its words", async () => {
      await gateways.fault("sql", { status: 500, only: "write" });
      const reads = ["SELECT 1", "  (select 1)", "WITH x AS (SELECT 1) SELECT * FROM x", "SHOW x", 'select "update" from t'];
      const writes = ["INSERT INTO t VALUES (1)", "update t set a = 1", "WITH x AS (DELETE FROM t RETURNING 1) SELECT 1", "TRUNCATE t"];
      for (const query of reads) expect([query, (await sql(query)).status]).toEqual([query, 200]);
      for (const query of writes) expect([query, (await sql(query)).status]).toEqual([query, 500]);
    });

    it("takes a pipeline with one write for a write", async () => {
      await gateways.fault("redis", { status: 500, only: "read" });
      const pipeline = (commands: readonly (readonly string[])[]): Promise<Response> =>
        fetch(`${gateways.url}/redis/pipeline`, {
          method: "POST",
          headers: { authorization: `Bearer ${TOKEN}` },
          body: JSON.stringify(commands),
        });
      expect((await pipeline([["GET", "a"], ["SET", "a", "1"]])).status).toBe(200);
      expect((await pipeline([["GET", "a"], ["MGET", "a"]])).status).toBe(500);
    });
  });

  it("touch only the service that they name", async () => {
    await gateways.fault("redis", { status: 500 });
    expect((await sql("SELECT 1")).status).toBe(200);
  });

  it("are listed and cleared", async () => {
    const list = async (): Promise<unknown> => (await fetch(`${gateways.url}/faults`)).json();
    await gateways.fault("redis", { latencyMs: 1 });
    await gateways.fault("sql", { errorRate: 0.1 });
    expect(await list()).toEqual({ redis: { latencyMs: 1 }, sql: { errorRate: 0.1 } });
    expect((await gateways.clearFaults()).status).toBe(200);
    expect(await list()).toEqual({});
  });

  describe("are refused with 400 that names the field for", () => {
    it.each([
      ["latencyMs", { latencyMs: -1 }],
      ["latencyMs", { latencyMs: "100" }],
      ["jitterMs", { jitterMs: 1e9 }],
      ["errorRate", { errorRate: 2 }],
      ["status", { status: 200 }],
      ["hang", { hang: "later" }],
      ["reset", { reset: 1 }],
      ["truncate", { truncate: "yes" }],
      ["only", { only: "reads" }],
      ["latency", { latency: 5 }],
      ["JSON", "{"],
      ["object", "null"],
    ])("%s: %j", async (field, fault) => {
      const response = await gateways.fault("redis", fault);
      expect(response.status).toBe(400);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(((await response.json()) as { detail: string }).detail).toContain(field);
      expect((await redis("PING")).status).toBe(200);
    });
  });

  it("for an unknown service are 404", async () => {
    const response = await gateways.fault("postgres", {});
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining("redis, sql") });
  });

  it("an unknown route is 404", async () => {
    const response = await fetch(`${gateways.url}/nothing`);
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });
});
