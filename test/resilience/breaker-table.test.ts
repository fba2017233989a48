import { describe, expect, it } from "vitest";
import { failed } from "../../src/core/faults.ts";
import { createBreakerTable } from "../../src/resilience/breaker-table.ts";
import { createTestBreaker } from "../support/breakers.ts";

const tableOf = (maxServers: number) =>
  createBreakerTable((callTimeoutMs) => createTestBreaker({ callTimeoutMs }), maxServers);

async function breakServer(table: ReturnType<typeof tableOf>, server: string): Promise<void> {
  for (let i = 0; i < 2; i++)
    await table.of(server, 1_000).run(async () => failed("origin.timeout", "no"));
}

describe("a table of breakers", () => {
  it("each server has a breaker of its own, and the table reports the worst of them", async () => {
    const table = tableOf(10);
    expect(table.status()).toMatchObject({ state: "closed", calls: 0 });
    table.of("https://a.test", 1_000);
    await breakServer(table, "https://b.test");
    table.of("https://c.test", 1_000);
    expect(table.of("https://a.test", 1_000).status().state).toBe("closed");
    expect(table.of("https://b.test", 1_000).status().state).toBe("open");
    expect(table.status()).toMatchObject({ state: "open", failureRate: 1 });
  });

  it("a full table forgets the breaker that it created first", async () => {
    const table = tableOf(2);
    await breakServer(table, "https://first.test");
    table.of("https://second.test", 1_000);
    table.of("https://third.test", 1_000);
    expect(table.status().state).toBe("closed");
    expect(table.of("https://first.test", 1_000).status().state).toBe("closed");
  });
});
