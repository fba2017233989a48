import { readFileSync } from "node:fs";
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

  it("start migrated and seeded, with counters at zero, and end twice without harm", async () => {
    const lines: string[] = [];
    const services = await start({ log: (line) => lines.push(line) });
    expect(await (await fetch(`${services.url}/counts`)).json()).toEqual({
      redis: { requests: 0, commands: 0 },
      sql: { requests: 0, queries: 0 },
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

  it("refuse what cannot be, with nothing left running", async () => {
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

  it("refuse at once when asked to stop while they start", async () => {
    const controller = new AbortController();
    const starting = startServices({ redis: "embedded", signal: controller.signal });
    controller.abort(new Error("no more"));
    await expect(starting).rejects.toThrow("no more");
  });

  it("are what package.json's scripts run", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
      scripts: Record<string, string>;
    };
    expect(scripts).toMatchObject({
      dev: "node dev/main.ts",
      services: "node dev/services-main.ts",
    });
  });
});
