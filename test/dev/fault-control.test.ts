import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openFaulty, TOKEN } from "./support/faulty.ts";
import type { Faulty } from "./support/faulty.ts";

describe("fault control routes", () => {
  let faulty: Faulty;

  beforeAll(async () => {
    faulty = await openFaulty();
  });
  afterAll(() => faulty.gateways.close());
  beforeEach(() => faulty.reset());
  afterEach(() => faulty.gateways.clearFaults());

  describe("the field only", () => {
    it("an injected fault whose field `only` is `read` fails reads of Redis, but not writes", async () => {
      await faulty.gateways.fault("redis", { status: 500, only: "read" });
      expect((await faulty.redis("SET", "k", "v")).status).toBe(200);
      expect((await faulty.redis("EVAL", "return 1", "0")).status).toBe(200);
      expect((await faulty.redis("GET", "k")).status).toBe(500);
      expect((await faulty.redis("EVAL_RO", "return 1", "0")).status).toBe(500);
    });

    it("an injected fault whose field `only` is `write` fails writes of Redis, but not reads", async () => {
      await faulty.gateways.fault("redis", { status: 500, only: "write" });
      expect((await faulty.redis("GET", "k")).status).toBe(200);
      expect((await faulty.redis("SET", "k", "v")).status).toBe(500);
    });

    it("an injected fault whose field `only` is `write` tells SQL writes from SQL reads by the keywords of the statement", async () => {
      await faulty.gateways.fault("sql", { status: 500, only: "write" });
      const reads = [
        "SELECT 1",
        "  (select 1)",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "SHOW x",
        'select "update" from t',
      ];
      const writes = [
        "INSERT INTO t VALUES (1)",
        "update t set a = 1",
        "WITH x AS (DELETE FROM t RETURNING 1) SELECT 1",
        "TRUNCATE t",
      ];
      for (const query of reads)
        expect([query, (await faulty.sql(query)).status]).toEqual([query, 200]);
      for (const query of writes)
        expect([query, (await faulty.sql(query)).status]).toEqual([query, 500]);
    });

    it("an injected fault whose field `only` is `read` does not fail a Redis pipeline that contains a write", async () => {
      await faulty.gateways.fault("redis", { status: 500, only: "read" });
      const pipeline = (commands: readonly (readonly string[])[]): Promise<Response> =>
        fetch(`${faulty.gateways.url}/redis/pipeline`, {
          method: "POST",
          headers: { authorization: `Bearer ${TOKEN}` },
          body: JSON.stringify(commands),
        });
      expect(
        (
          await pipeline([
            ["GET", "a"],
            ["SET", "a", "1"],
          ])
        ).status,
      ).toBe(200);
      expect(
        (
          await pipeline([
            ["GET", "a"],
            ["MGET", "a"],
          ])
        ).status,
      ).toBe(500);
    });
  });

  it("an injected fault affects only the service that it names", async () => {
    await faulty.gateways.fault("redis", { status: 500 });
    expect((await faulty.sql("SELECT 1")).status).toBe(200);
  });

  it("GET /faults lists the injected faults, and DELETE /faults removes them", async () => {
    const list = async (): Promise<unknown> =>
      (await fetch(`${faulty.gateways.url}/faults`)).json();
    await faulty.gateways.fault("redis", { latencyMs: 1 });
    await faulty.gateways.fault("sql", { errorRate: 0.1 });
    expect(await list()).toEqual({ redis: { latencyMs: 1 }, sql: { errorRate: 0.1 } });
    expect((await faulty.gateways.clearFaults()).status).toBe(200);
    expect(await list()).toEqual({});
  });

  describe("invalid faults", () => {
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
    ])(
      "a request to inject an invalid fault gets a 400 response whose detail names %s: %j",
      async (field, fault) => {
        const response = await faulty.gateways.fault("redis", fault);
        expect(response.status).toBe(400);
        expect(response.headers.get("content-type")).toBe("application/problem+json");
        expect(((await response.json()) as { detail: string }).detail).toContain(field);
        expect((await faulty.redis("PING")).status).toBe(200);
      },
    );
  });

  it("a request to inject a fault into an unknown service gets 404", async () => {
    const response = await faulty.gateways.fault("postgres", {});
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining("redis, sql") });
  });

  it("an unknown route of the API that injects faults gets 404", async () => {
    const response = await fetch(`${faulty.gateways.url}/nothing`);
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });
});
