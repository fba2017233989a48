import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startServices } from "../../dev/services.ts";
import type { Services, ServicesOptions } from "../../dev/services.ts";

describe("the local services", () => {
  const running: Services[] = [];

  async function start(options: ServicesOptions): Promise<Services> {
    const services = await startServices({ redis: "embedded", ...options });
    running.push(services);
    return services;
  }
  afterEach(async () => {
    for (const services of running.splice(0)) await services.close();
  });

  async function query(services: Services, text: string): Promise<unknown[]> {
    const response = await fetch(services.sqlEndpoint, {
      method: "POST",
      body: JSON.stringify({ query: text }),
    });
    return ((await response.json()) as { rows: unknown[] }).rows;
  }

  it("the local services start with a migrated and seeded database and counters at zero, and can be closed twice", async () => {
    const lines: string[] = [];
    const services = await start({ log: (line) => lines.push(line) });
    expect(await (await fetch(`${services.url}/counts`)).json()).toEqual({
      redis: { requests: 0, commands: 0 },
      sql: { requests: 0, queries: 0, tables: {} },
      otlp: { requests: 0 },
      llm: { requests: 0 },
    });
    expect(
      await query(
        services,
        "SELECT count(*)::int AS n, min(id) AS first, max(id) AS last FROM products",
      ),
    ).toEqual([{ n: 2_000, first: 1, last: 2_000 }]);
    expect(lines.some((line) => line.includes("embedded Redis") && line.includes("PGlite"))).toBe(
      true,
    );
    await services.close();
    await services.close();
    await expect(fetch(services.url)).rejects.toThrow("fetch failed");
  });

  it("the local services keep their data between starts with the option `keep`, and start empty without this option", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "strata-data-"));
    const redis = async (
      { redisUrl, redisToken }: Services,
      ...command: readonly string[]
    ): Promise<unknown> => {
      const headers = { authorization: `Bearer ${redisToken}` };
      const response = await fetch(redisUrl, {
        method: "POST",
        headers,
        body: JSON.stringify(command),
      });
      return ((await response.json()) as { result: unknown }).result;
    };
    const stores: readonly (readonly string[])[] = [
      ["SET", "s", "é", "EX", "1000"],
      ["ZADD", "z", "+inf", "top", "9007199254740991", "a"],
      ["HSET", "h", "__proto__", "1"],
      ["SET", "forever", "1"],
      ["PEXPIREAT", "h", "9999999999999"],
    ];
    const first = await start({ dataDir, seed: false });
    for (const command of stores) await redis(first, ...command);
    await query(first, "INSERT INTO categories (name, description) VALUES ('kept', 'x')");
    await first.close();

    const second = await start({ dataDir, seed: false, keep: true });
    expect(await redis(second, "GET", "s")).toBe("é");
    expect(await redis(second, "TTL", "s")).toBeGreaterThan(900);
    expect(await redis(second, "ZRANGE", "z", "0", "-1", "WITHSCORES")).toEqual([
      "a",
      "9007199254740991",
      "top",
      "inf",
    ]);
    expect(await redis(second, "HGETALL", "h")).toEqual(["__proto__", "1"]);
    expect(await redis(second, "TTL", "forever")).toBe(-1);
    expect(await redis(second, "PEXPIRETIME", "h")).toBe(9_999_999_999_999);
    expect(await query(second, "SELECT name FROM categories")).toEqual([{ name: "kept" }]);
    await second.close();

    const third = await start({ dataDir, seed: false });
    expect(await redis(third, "DBSIZE")).toBe(0);
    expect(await query(third, "SELECT name FROM categories")).toEqual([]);
    await third.close();
    rmSync(dataDir, { recursive: true });
  });

  it("the local services reject a setting with an unknown or remote Redis or Postgres, with an error that names it", async () => {
    await expect(startServices({ redis: "memcached" })).rejects.toThrow("LOCAL_REDIS is");
    await expect(startServices({ redis: "embedded", postgres: "mysql://x" })).rejects.toThrow(
      "LOCAL_POSTGRES is",
    );
    await expect(
      startServices({ redis: "embedded", postgres: "postgres://u@db.example.com/x" }),
    ).rejects.toThrow("db.example.com");
    await expect(startServices({ redis: "redis://cache.example.com" })).rejects.toThrow(
      "cache.example.com",
    );
  });

  it("the start of the local services rejects with the reason of the abort when an abort signal fires", async () => {
    const controller = new AbortController();
    const starting = startServices({ redis: "embedded", signal: controller.signal });
    controller.abort(new Error("no more"));
    await expect(starting).rejects.toThrow("no more");
  });

  it("`npm run dev` starts dev/main.ts, and `npm run services` starts dev/services-main.ts", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
      scripts: Record<string, string>;
    };
    expect(scripts).toMatchObject({
      dev: "exec node dev/main.ts",
      services: "exec node dev/services-main.ts",
    });
  });
});
