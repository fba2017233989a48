import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Running } from "../../dev/gateway/running.ts";
import { openFaulty, TOKEN } from "./support/faulty.ts";
import type { Faulty } from "./support/faulty.ts";

const READONLY = "READONLY You can't write against a read only replica.";

describe("injected faults of overload and of refused writes", () => {
  let faulty: Faulty;

  beforeAll(async () => {
    faulty = await openFaulty();
  });
  afterAll(() => faulty.gateways.close());
  beforeEach(() => faulty.reset());
  afterEach(() => faulty.gateways.clearFaults());

  const running = async (): Promise<ReturnType<Running["report"]>> =>
    (await (await fetch(`${faulty.gateways.url}/running`)).json()) as ReturnType<Running["report"]>;
  const pipeline = (path: string, commands: readonly (readonly string[])[]): Promise<Response> =>
    fetch(`${faulty.gateways.url}/redis/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify(commands),
    });

  it("with the injected fault `concurrency` 2, a service executes two SQL calls at a time, in the order of arrival", async () => {
    await faulty.gateways.fault("sql", { concurrency: 2, hang: "after" });
    const answers = ["SELECT 1", "SELECT 2", "SELECT 3"].map(async (query, before) => {
      await expect.poll(async () => (await faulty.gateways.counts()).sql.requests).toBe(before);
      return faulty.sql(query);
    });
    await expect.poll(async () => (await running()).sql.now).toBe(3);
    expect(faulty.database.executed).toEqual(["SELECT 1", "SELECT 2"]);
    await faulty.gateways.clearFaults();
    const statuses = await Promise.all(answers.map(async (answer) => (await answer).status));
    expect(statuses).toEqual([200, 200, 200]);
    expect(faulty.database.executed).toEqual(["SELECT 1", "SELECT 2", "SELECT 3"]);
  });

  it("a call that waits in the line of the injected fault `concurrency` is not executed if its client disconnects", async () => {
    await faulty.gateways.fault("sql", { concurrency: 1, hang: "after" });
    const first = faulty.sql("SELECT 1");
    await expect.poll(() => faulty.database.executed).toEqual(["SELECT 1"]);
    const controller = new AbortController();
    const second = fetch(`${faulty.gateways.url}/sql`, {
      method: "POST",
      body: '{"query":"SELECT 2"}',
      signal: controller.signal,
    });
    await expect.poll(async () => (await running()).sql.now).toBe(2);
    controller.abort();
    await expect(second).rejects.toThrow("aborted");
    await expect.poll(async () => (await running()).sql.now).toBe(1);
    await faulty.gateways.clearFaults();
    await first;
    expect((await faulty.sql("SELECT 3")).status).toBe(200);
    expect(faulty.database.executed).toEqual(["SELECT 1", "SELECT 3"]);
  });

  it("GET /running reports the most calls at once since the last reset of the counts, and the calls that run now", async () => {
    await faulty.gateways.fault("redis", { hang: "before" });
    const answers = [1, 2, 3].map(() => faulty.redis("PING"));
    await expect.poll(async () => (await running()).redis).toEqual({ now: 3, most: 3 });
    await faulty.gateways.clearFaults();
    await Promise.all(answers);
    await expect.poll(async () => (await running()).redis).toEqual({ now: 0, most: 3 });
    await faulty.gateways.resetCounts();
    expect((await running()).redis).toEqual({ now: 0, most: 0 });
  });

  it("with the injected fault `refuseWrites`, Redis answers reads and refuses every write with that error", async () => {
    await faulty.redis("SET", "k", "old");
    await faulty.gateways.fault("redis", { refuseWrites: READONLY });
    const write = await faulty.redis("SET", "k", "new");
    expect([write.status, await write.json()]).toEqual([400, { error: READONLY }]);
    expect(await (await faulty.redis("GET", "k")).json()).toEqual({ result: "old" });
    expect(
      await (
        await pipeline("pipeline", [
          ["SET", "k", "new"],
          ["GET", "k"],
        ])
      ).json(),
    ).toEqual([{ error: READONLY }, { result: "old" }]);
    const transaction = await pipeline("multi-exec", [
      ["GET", "k"],
      ["SET", "k", "new"],
    ]);
    expect([transaction.status, await transaction.json()]).toEqual([400, { error: READONLY }]);
    expect(await faulty.stored("k")).toBe("old");
  });

  it("with the injected fault `refuseWrites`, Redis refuses a script at its first write and runs a script without writes", async () => {
    await faulty.redis("SET", "k", "old");
    await faulty.gateways.fault("redis", { refuseWrites: READONLY });
    const writes = await faulty.redis("EVAL", "return redis.call('SET', KEYS[1], 'new')", "1", "k");
    expect(await writes.json()).toEqual({ error: READONLY });
    const reads = await faulty.redis("EVAL", "return redis.call('GET', KEYS[1])", "1", "k");
    expect(await reads.json()).toEqual({ result: "old" });
  });

  it("the fault control route refuses `refuseWrites` for SQL, and an error text without a Redis error code", async () => {
    expect((await faulty.gateways.fault("sql", { refuseWrites: READONLY })).status).toBe(400);
    expect((await faulty.gateways.fault("redis", { refuseWrites: "full" })).status).toBe(400);
  });
});
