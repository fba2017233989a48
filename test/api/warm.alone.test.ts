import { env } from "cloudflare:workers";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { afterEach, describe, expect, it } from "vitest";
import { createIsolate } from "../../src/api/isolate.ts";
import type { Bindings } from "../../src/index.ts";
import { uniqueNamespace } from "../support/isolate.ts";

interface Counts {
  readonly redis: { readonly requests: number };
  readonly sql: { readonly queries: number };
}

const services = (env as unknown as { SERVICES_URL: string }).SERVICES_URL;
const token = env.ADMIN_TOKEN;

function start(namespace: string) {
  const bindings = { ...(env as unknown as Bindings), STRATA_NAMESPACE: namespace };
  const { app } = createIsolate(bindings);
  return async (path: string, init: RequestInit = {}) => {
    const execution = createExecutionContext();
    const response = await app.fetch(
      new Request(`http://strata.test${path}`, init),
      bindings,
      execution,
    );
    const body = await response.text();
    await waitOnExecutionContext(execution);
    return { response, body };
  };
}

const warm = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

const counts = async (): Promise<Counts> => (await fetch(`${services}/counts`)).json();
const reset = () => fetch(`${services}/counts/reset`, { method: "POST" });
const inject = (fault: object) =>
  fetch(`${services}/faults/sql`, {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(fault),
  });
const lines = (body: string) =>
  body
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

afterEach(() => fetch(`${services}/faults`, { method: "DELETE" }));

describe("POST /admin/warm", () => {
  it("a cache warm-up loads 2,000 products into Redis with at most 20 SQL queries at 50 ms of SQL latency", async () => {
    const namespace = uniqueNamespace();
    const send = start(namespace);
    await inject({ latencyMs: 50 });
    await reset();

    const { response, body } = await send("/admin/warm", warm({ kind: "products" }));

    const report = lines(body);
    expect(response.headers.get("Content-Type")).toBe("application/x-ndjson");
    expect(report.at(-1)).toMatchObject({ finished: true });
    expect(report.at(-1)?.["loaded"]).toBeGreaterThanOrEqual(2_000);
    expect(report.length).toBeGreaterThan(5);
    expect((await counts()).sql.queries).toBeLessThanOrEqual(20);

    await reset();
    const { response: read } = await start(namespace)("/products/1999");
    expect(read.headers.get("Cache-Status")).toContain("detail=redis");
    expect((await counts()).sql.queries).toBe(0);
  });

  it("a cache warm-up of 100 users causes one SQL query, and a second one reports how many users were cached and how many do not exist", async () => {
    const send = start(uniqueNamespace());
    const ids = Array.from({ length: 100 }, (_, i) => i + 1);
    await reset();
    const first = lines((await send("/admin/warm", warm({ kind: "users", ids }))).body);
    expect(first.at(-1)).toEqual({ finished: true, loaded: 100 });
    expect((await counts()).sql.queries).toBe(1);

    const more = { kind: "users", ids: [...ids, 999_999] };
    const again = lines((await send("/admin/warm", warm(more))).body);
    expect(again.at(-1)).toEqual({ finished: true, present: 100, absent: 1 });
  });

  it("a cache warm-up reports the keys whose load failed, and the next warm-up loads those keys", async () => {
    const send = start(uniqueNamespace());
    const request = { kind: "products", ids: [1, 2] };
    await inject({ errorRate: 1 });
    const failed = lines((await send("/admin/warm", warm(request))).body);
    expect(failed[0]).toMatchObject({
      fault: "origin.unavailable",
      failed: ["product:1", "product:2"],
    });
    expect(failed.at(-1)).toEqual({ finished: true, failed: 2 });
    await fetch(`${services}/faults`, { method: "DELETE" });
    const healed = lines((await send("/admin/warm", warm(request))).body);
    expect(healed.at(-1)).toEqual({ finished: true, loaded: 2 });
  });

  it.each([
    [{ kind: "cats" }, "kind"],
    [{ kind: "users", ids: [] }, "ids"],
    [{ kind: "users", ids: [0] }, "ids"],
    [{ kind: "users", ids: [1.5] }, "ids"],
    [{ kind: "users", extra: 1 }, "extra"],
  ])(
    "the API rejects the warm-up request %j, and the error names the field",
    async (input, field) => {
      const { response, body } = await start(uniqueNamespace())("/admin/warm", warm(input));
      expect(response.status).toBe(400);
      expect(body).toContain(field);
    },
  );
});
