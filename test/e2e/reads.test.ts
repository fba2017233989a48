import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { send, type Answer } from "./support/client.ts";
import type { Product } from "./support/product.ts";
import { products } from "./support/shared-products.ts";
import { until } from "./support/waiting.ts";

/** How long after a write any instance may still not know of it. */
const COHERENCE_MS = 1_000;
/** For two processes that share two cores with everything else that runs. */
const SLACK_MS = 2_000;

let product: Product;
products.beforeAll(({ shop }) => void (product = shop));

/** First: nothing that earlier requests have left to be done is counted with what these ask for. */
describe("what a read costs, counted at the gateways", () => {
  it("asks Redis nothing for a memory hit, and once for a redis hit by an isolate that knows nothing", async () => {
    const fresh = await startOf("/products/1010");
    expect(fresh.miss).toEqual({ redis: 2, sql: 1, queries: 1 });
    expect(fresh.memory).toEqual({ redis: 0, sql: 0, queries: 0 });
    expect(fresh.redis).toEqual({ redis: 1, sql: 0, queries: 0 });
  });

  it("reads a hundred users with one Redis request and one SQL query", async () => {
    const client = product.client();
    const path = `/users?ids=${Array.from({ length: 100 }, (_, n) => 1_000 + n).join(",")}`;
    const cold = await settled(() => product.services.usedBy(() => client.get(0, path)));
    expect((JSON.parse(cold.value.body) as { items: unknown[] }).items).toHaveLength(100);
    // One question before the load, and one write after the response.
    expect(cold.used).toMatchObject({ sql: 1, queries: 1 });
    expect(cold.used.redis).toBeLessThanOrEqual(2);
    const warm = await settled(() => product.services.usedBy(() => client.get(1, path)));
    expect((JSON.parse(warm.value.body) as { items: unknown[] }).items).toHaveLength(100);
    expect(warm.used).toMatchObject({ redis: 1, sql: 0 });
  });

  /** The costs of a miss, of a hit in memory and of one in Redis, one after the other. */
  async function startOf(path: string) {
    const client = product.client();
    // What a read leaves to be done after its response is counted with it.
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

  async function settled<T>(work: () => Promise<T>): Promise<T> {
    await quiet();
    return work();
  }

  /** Resolves when the gateways have had nothing to do for a while. */
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
});

/** No test reads what another has read: every product and user is asked for in one test alone. */
describe("reads through the tiers", () => {
  it("answers MISS, then HIT from memory, and the second instance from redis", async () => {
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

  it("shows a write on every instance within the coherence window", async () => {
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

  it("shows a write on the instance that made it at once", async () => {
    const client = product.client();
    await client.get(0, "/products/1003");
    await client.write(0, "PATCH", "/products/1003", { name: "Renamed" });
    expect(isRenamed(await client.get(0, "/products/1003"))).toBe(true);
  });

  it("asks the database once for what does not exist", async () => {
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

describe("one cold key and a crowd", () => {
  it("loads once for 1,000 simultaneous requests over two instances", async () => {
    // Both isolates are awake; the key is not known to anybody.
    await Promise.all([0, 1].map((instance) => product.client().get(instance, "/products/1020")));
    await product.services.fault("sql", { latencyMs: 200 });
    try {
      let { answers, used } = await crowd("/products/1021");
      // Where the machine was too busy for Redis to answer in time, the relay asks SQL whether writes
      // wait for it. Then the count tells nothing of the loads, and another cold key has to.
      for (let id = 1022; id < 1025 && answers.some(isUnreachable); id++)
        ({ answers, used } = await crowd(`/products/${id}`));
      expect(used.queries).toBe(1);
      expect(answers.filter(isLoader)).toHaveLength(1);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    } finally {
      await product.services.heal();
    }
  });

  it("loads once for both instances where the load takes longer than a lease may", async () => {
    await product.services.fault("sql", { latencyMs: 1_500 });
    try {
      const { value: answers, used } = await product.services.usedBy(() =>
        Promise.all(
          Array.from({ length: 20 }, (_, n) => product.client().get(n % 2, "/products/1028")),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect(used.queries).toBe(1);
    } finally {
      await product.services.heal();
    }
  });

  /** 1,000 requests, every other one to the second instance, over connections that are open already. */
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

  it("answers the others when the client that led the load goes away", async () => {
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

function statusOf({ headers }: Answer): string {
  return headers["cache-status"] ?? "";
}

function isUnreachable(answer: Answer): boolean {
  return statusOf(answer).includes("unreachable");
}

/** Whether the answer is of a request that loaded for all. */
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
