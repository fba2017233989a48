import { request as httpRequest } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openFaulty, TOKEN } from "./support/faulty.ts";
import type { Faulty } from "./support/faulty.ts";

describe("injected faults", () => {
  let faulty: Faulty;

  beforeAll(async () => {
    faulty = await openFaulty();
  });
  afterAll(() => faulty.gateways.close());
  beforeEach(() => faulty.reset());
  afterEach(() => faulty.gateways.clearFaults());

  it("the injected fault `latencyMs` delays each response independently, after the service has executed the call", async () => {
    await faulty.gateways.fault("redis", { latencyMs: 150 });
    const started = performance.now();
    const answers = Promise.all(
      Array.from({ length: 20 }, (_, index) => faulty.redis("SET", `k${index}`, "v")),
    );
    await expect
      .poll(() => faulty.engine.run({ kind: "command", name: "DBSIZE", args: [] }))
      .toMatchObject({ reply: 20 });
    const executedAfter = performance.now() - started;
    await answers;
    const elapsed = performance.now() - started;
    expect(executedAfter).toBeLessThan(elapsed);
    expect(elapsed).toBeGreaterThanOrEqual(149);
    expect(elapsed).toBeLessThan(1_000);
  });

  it("the injected fault `jitterMs` adds a random delay to each response", async () => {
    await faulty.gateways.fault("redis", { latencyMs: 20, jitterMs: 60 });
    const times = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const started = performance.now();
        await faulty.redis("PING");
        return performance.now() - started;
      }),
    );
    expect(Math.min(...times)).toBeGreaterThanOrEqual(19);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(15);
  });

  it("with the injected fault `errorRate` 1, a service answers 500 in its own error format and executes no call", async () => {
    await faulty.gateways.fault("redis", { errorRate: 1 });
    const response = await faulty.redis("SET", "k", "v");
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: "ERR Injected fault" });
    expect((await faulty.gateways.counts()).redis).toEqual({ requests: 1, commands: 0 });
    expect(await faulty.stored("k")).toBeNull();
  });

  it("the injected fault `status` without `errorRate` makes every call fail with that status", async () => {
    await faulty.gateways.fault("sql", { status: 503 });
    const response = await faulty.sql("SELECT 1");
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ message: "Injected fault", code: null });
    expect(faulty.database.executed).toEqual([]);
  });

  it("an injected fault with an `errorRate` between 0 and 1 makes some calls fail and others succeed", async () => {
    await faulty.gateways.fault("redis", { errorRate: 0.5, status: 429 });
    const statuses = await Promise.all(
      Array.from({ length: 100 }, async () => (await faulty.redis("PING")).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
  });

  it("an injected fault with the `errorRate` 0 makes no call fail", async () => {
    await faulty.gateways.fault("redis", { errorRate: 0, status: 500 });
    expect((await faulty.redis("PING")).status).toBe(200);
  });

  it.each([
    ["true", true],
    ['"after"', "after" as const],
  ])(
    "with the injected fault `hang` %s, a service executes the call and does not answer until the faults are removed",
    async (_name, hang) => {
      await faulty.gateways.fault("redis", { hang });
      let answered = false;
      const answer = faulty.redis("SET", "k", "v").finally(() => {
        answered = true;
      });
      await expect
        .poll(() =>
          faulty.engine.run({ kind: "command", name: "EXISTS", args: [Buffer.from("k")] }),
        )
        .toMatchObject({ reply: 1 });
      expect(answered).toBe(false);
      await faulty.gateways.clearFaults();
      expect(await (await answer).json()).toEqual({ result: "OK" });
    },
  );

  it('with the injected fault `hang` "before", a service does not execute the call until the faults are removed', async () => {
    await faulty.gateways.fault("sql", { hang: "before" });
    const answer = faulty.sql("SELECT 1");
    await expect.poll(async () => (await faulty.gateways.counts()).sql.requests).toBe(1);
    expect(faulty.database.executed).toEqual([]);
    await faulty.gateways.clearFaults();
    expect((await answer).status).toBe(200);
    expect(faulty.database.executed).toEqual(["SELECT 1"]);
  });

  it('with the injected fault `hang` "before", a service never executes the call of a client that has disconnected', async () => {
    await faulty.gateways.fault("sql", { hang: "before" });
    await expect(
      fetch(`${faulty.gateways.url}/sql`, {
        method: "POST",
        body: '{"query":"SELECT 1"}',
        signal: AbortSignal.timeout(50),
      }),
    ).rejects.toThrow("timeout");
    await faulty.gateways.clearFaults();
    expect((await faulty.sql("SELECT 2")).status).toBe(200);
    expect(faulty.database.executed).toEqual(["SELECT 2"]);
  });

  it("an injected fault with `hang` false delays no call", async () => {
    await faulty.gateways.fault("redis", { hang: false });
    expect((await faulty.redis("PING")).status).toBe(200);
  });

  it("a call that hangs because of an injected fault is answered when a new injected fault replaces the old one", async () => {
    await faulty.gateways.fault("redis", { hang: true });
    const answer = faulty.redis("PING");
    await expect.poll(async () => (await faulty.gateways.counts()).redis.requests).toBe(1);
    await faulty.gateways.fault("redis", { latencyMs: 1 });
    expect((await answer).status).toBe(200);
  });

  it("with the injected fault `reset`, a service executes the call and then resets the connection", async () => {
    await faulty.gateways.fault("redis", { reset: true });
    await expect(faulty.redis("SET", "k", "v")).rejects.toMatchObject({
      cause: { code: "ECONNRESET" },
    });
    expect(await faulty.stored("k")).toBe("v");
  });

  it("with the injected fault `truncate`, a service executes the call and sends only half of the announced response", async () => {
    await faulty.gateways.fault("redis", { truncate: true });
    const received = await new Promise<{ announced: number; body: string; complete: boolean }>(
      (resolve, reject) => {
        const request = httpRequest(`${faulty.gateways.url}/redis`, {
          method: "POST",
          headers: { authorization: `Bearer ${TOKEN}` },
        });
        request.on("error", reject);
        request.on("response", (response) => {
          let body = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (body += chunk));
          response.on("error", () => undefined);
          response.on("close", () =>
            resolve({
              announced: Number(response.headers["content-length"]),
              body,
              complete: response.complete,
            }),
          );
        });
        request.end(JSON.stringify(["SET", "k", "v"]));
      },
    );
    expect(received).toEqual({
      announced: '{"result":"OK"}'.length,
      body: '{"resul',
      complete: false,
    });
    expect(await faulty.stored("k")).toBe("v");
  });
});
