import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { send, type Answer } from "./support/client.ts";
import type { Product } from "./support/product.ts";
import { products } from "./support/shared-products.ts";
import { until } from "./support/waiting.ts";

/** The time after a write in which an instance may still show the old value. */
const COHERENCE_MS = 1_000;
/** An allowance for a busy machine with two cores. */
const SLACK_MS = 2_000;

let product: Product;
products.beforeAll(({ shop }) => void (product = shop));

/** These tests run first, so that no background work of earlier requests is counted. */
describe("the cost of a read, counted at the gateways", () => {
  it("a memory hit costs no Redis request, and a first Redis hit of an isolate costs one", async () => {
    const fresh = await startOf("/products/1010");
    expect(fresh.miss).toEqual({ redis: 2, sql: 1, queries: 1 });
    expect(fresh.memory).toEqual({ redis: 0, sql: 0, queries: 0 });
    expect(fresh.redis).toEqual({ redis: 1, sql: 0, queries: 0 });
  });

  it("a request for 100 users makes one SQL query, or no SQL query and two Redis requests if Redis has the users", async () => {
    const client = product.client();
    const path = `/users?ids=${Array.from({ length: 100 }, (_, n) => 1_000 + n).join(",")}`;
    const cold = await settled(() =>
      product.services.usedBy(() => timed(() => client.get(0, path))),
    );
    expect((JSON.parse(cold.value.answer.body) as { items: unknown[] }).items).toHaveLength(100);
    // One Redis request before the load, one write after the response, and one of the limit: each id
    // costs a token, and 100 are more than an isolate gives on credit.
    expect(cold.used).toMatchObject({ sql: 1, queries: 1 });
    expect(cold.used.redis).toBeLessThanOrEqual(3 + cold.value.polls);
    const warm = await settled(() =>
      product.services.usedBy(() => timed(() => product.client().get(1, path))),
    );
    expect((JSON.parse(warm.value.answer.body) as { items: unknown[] }).items).toHaveLength(100);
    expect(warm.used.sql).toBe(0);
    expect(warm.used.redis).toBeGreaterThanOrEqual(2);
    expect(warm.used.redis).toBeLessThanOrEqual(2 + warm.value.polls);
  });

  /** Counts the cost of a miss, a memory hit and a Redis hit, one after the other. */
  async function startOf(path: string) {
    const client = product.client();
    // Background work after a response is counted with it.
    const miss = await counted(() => client.get(0, path));
    expect(miss.answer.headers["x-cache-status"]).toBe("MISS");
    const memory = await counted(() => client.get(0, path));
    expect(memory.answer.headers["cache-status"]).toContain("detail=memory");
    const redis = await counted(() => client.get(1, path));
    expect(redis.answer.headers["cache-status"]).toContain("detail=redis");
    return { miss: miss.used, memory: memory.used, redis: redis.used };
  }

  async function counted(ask: () => Promise<Answer>) {
    const { value, used } = await product.services.usedBy(async () => {
      const answer = await ask();
      await quiet();
      return answer;
    });
    const { redis, sql, queries } = used;
    return { answer: value, used: { redis, sql, queries } };
  }

  /** `polls`: the most questions to Redis that the log object may have asked meanwhile, two a second. */
  async function timed(ask: () => Promise<Answer>) {
    const began = Date.now();
    const answer = await ask();
    return { answer, polls: Math.ceil((Date.now() - began) / 500) };
  }

  async function settled<T>(work: () => Promise<T>): Promise<T> {
    await quiet();
    return work();
  }
});

/** Every product and user is read in one test only. */
describe("reads through the tiers", () => {
  it("the first read of a product is a MISS, the second a HIT from memory, and a read on another Worker instance a HIT from Redis", async () => {
    const client = product.client();
    const first = await client.get(0, "/products/1001");
    expect(first.status).toBe(200);
    expect(first.headers["x-cache-status"]).toBe("MISS");
    const second = await client.get(0, "/products/1001");
    expect(second.headers).toMatchObject({ "x-cache-status": "HIT", etag: first.headers["etag"] });
    expect(second.headers["cache-status"]).toMatch(/hit; ttl=\d+; detail=memory/);
    const elsewhere = await client.get(1, "/products/1001");
    expect(elsewhere.headers["x-cache-status"]).toBe("HIT");
    expect(elsewhere.headers["cache-status"]).toMatch(/hit; ttl=\d+; detail=redis/);
    expect([second.body, elsewhere.body]).toEqual([first.body, first.body]);
  });

  it("two Worker instances both show a written value within the coherence bound", async () => {
    const client = product.client();
    for (const instance of [0, 1]) await client.get(instance, "/products/1002");
    const written = await client.write(1, "PATCH", "/products/1002", { stock: 7, name: "Renamed" });
    expect(written.status).toBe(200);
    expect(written.headers["x-invalidation"]).toBe("done");
    const seen = await Promise.all(
      [0, 1].map((instance) =>
        until(
          () => product.client().get(instance, "/products/1002"),
          isRenamed,
          COHERENCE_MS + SLACK_MS,
          100,
        ),
      ),
    );
    for (const { value } of seen)
      expect(JSON.parse(value.body)).toMatchObject({ id: 1002, stock: 7, name: "Renamed" });
  });

  it("the Worker instance that receives a write shows the new value immediately", async () => {
    const client = product.client();
    await client.get(0, "/products/1003");
    await client.write(0, "PATCH", "/products/1003", { name: "Renamed" });
    expect(isRenamed(await client.get(0, "/products/1003"))).toBe(true);
  });

  it("three reads of a missing product on two Worker instances cause only one SQL query", async () => {
    const client = product.client();
    const { value, used } = await product.services.usedBy(async () => [
      await client.get(0, "/products/999001"),
      await client.get(0, "/products/999001"),
      await client.get(1, "/products/999001"),
    ]);
    expect(value.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(value[0]?.headers["content-type"]).toBe("application/problem+json");
    expect(used.queries).toBe(1);
  });
});

describe("concurrent reads of one cold key", () => {
  it("1,000 simultaneous requests to two Worker instances for one product that no tier holds share one load", async () => {
    // Both isolates are running, and no tier holds the key.
    await Promise.all([0, 1].map((instance) => product.client().get(instance, "/products/1020")));
    await product.services.fault("sql", { latencyMs: 200 });
    try {
      let { answers, used } = await crowd("/products/1021");
      // If the machine is so busy that Redis times out, readers load for themselves, as they must.
      // The count then says nothing about shared loads, so another cold key is tried.
      for (let id = 1022; id < 1025 && answers.some(isUnreachable); id++) {
        await quiet();
        ({ answers, used } = await crowd(`/products/${id}`));
      }
      // The outbox relay of an earlier test may query its own table meanwhile.
      expect(used.tables["products"]).toBe(1);
      expect(answers.filter(isLoader)).toHaveLength(1);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    } finally {
      await product.services.heal();
    }
  });

  it("20 concurrent requests to two Worker instances make one SQL query, even if the query takes longer than the first lease of the load", async () => {
    await product.services.fault("sql", { latencyMs: 1_500 });
    try {
      const { value: answers, used } = await product.services.usedBy(() =>
        Promise.all(
          Array.from({ length: 20 }, (_, n) => product.client().get(n % 2, "/products/1028")),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect(used.tables["products"]).toBe(1);
    } finally {
      await product.services.heal();
    }
  });

  /** Sends 1,000 requests, alternating between the instances, over connections that are already open. */
  async function crowd(path: string) {
    const sockets = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => open(product.urls[n % 2] ?? "")),
    );
    const { value: answers, used } = await product.services.usedBy(() =>
      Promise.all(
        sockets.map((socket, n) => {
          const headers = { "CF-Connecting-IP": `10.0.${n >> 8}.${n & 255}` };
          return send(product.urls[n % 2] ?? "", path, { socket, headers });
        }),
      ),
    );
    for (const socket of sockets) socket.destroy();
    const started = answers.map(({ startedAt }) => startedAt);
    const ended = answers.map(({ endedAt }) => endedAt);
    const sources = Map.groupBy(answers, (answer) => statusOf(answer).replace(/ttl=\d+/, "ttl"));
    console.info(
      `1,000 requests, sent within ${Math.max(...started) - Math.min(...started)} ms,`,
      `answered within ${Math.max(...ended) - Math.min(...started)} ms;`,
      JSON.stringify(Object.fromEntries([...sources].map(([name, list]) => [name, list.length]))),
      `redis ${used.redis}, sql ${used.queries}`,
    );
    return { answers, used };
  }

  it("requests that wait for a shared load get a 200, even if the client that started the load disconnects", async () => {
    await product.services.fault("sql", { latencyMs: 1_500 });
    try {
      const gone = new AbortController();
      const underWay = hasGrown(await product.services.used());
      const leader = product.client().ask(0, "/products/1030", { signal: gone.signal });
      const left = leader.catch((error: unknown) => error);
      await until(() => product.services.used(), underWay, 5_000, 20);
      const followers = [0, 1, 0, 1].map((instance) =>
        product.client().get(instance, "/products/1030"),
      );
      gone.abort();
      expect(await left).toBeInstanceOf(Error);
      const answers = await Promise.all(followers);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      for (const { startedAt, endedAt } of answers) expect(endedAt - startedAt).toBeLessThan(8_000);
    } finally {
      await product.services.heal();
    }
  });
});

/** Resolves when the counts of the gateways have not changed for four polls. */
async function quiet(): Promise<void> {
  let before = "";
  let calm = 0;
  await until(
    async () => JSON.stringify(await product.services.used()),
    (now) => {
      calm = now === before ? calm + 1 : 0;
      before = now;
      return calm >= 4;
    },
    5_000,
    25,
  );
}

function statusOf({ headers }: Answer): string {
  return headers["cache-status"] ?? "";
}

function isUnreachable(answer: Answer): boolean {
  return statusOf(answer).includes("unreachable");
}

/** Whether the request of this answer made the load. */
function isLoader(answer: Answer): boolean {
  return statusOf(answer).includes("fwd=") && !statusOf(answer).includes("collapsed");
}

function isRenamed(answer: Answer): boolean {
  return (JSON.parse(answer.body) as { name: string }).name === "Renamed";
}

function hasGrown(before: { redis: number }): (now: { redis: number }) => boolean {
  return (now) => now.redis > before.redis;
}

function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}
