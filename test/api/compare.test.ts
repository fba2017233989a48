import { describe, expect, it } from "vitest";
import { CompareAnswer } from "../../src/api/compare-answer.ts";
import { onError } from "../../src/api/errors.ts";
import { compareRoutes } from "../../src/api/routes/compare.ts";
import { ComparisonBusy } from "../../src/index.ts";
import { candidateOf } from "../../src/api/compare-inputs.ts";
import { createTestApp } from "../support/app.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { ADMIN, createClient, problemOf, type Client } from "./client.ts";

const TELEMETRY: object = { OTEL_SDK_DISABLED: "", STRATA_LOG: "off" };

async function compare(client: Client, a: string, b: string): Promise<CompareAnswer> {
  const query = new URLSearchParams({ kind: "product", a, b }).toString();
  const response = await client.send(`/admin/compare?${query}`, { headers: ADMIN });
  expect(response.status).toBe(200);
  return CompareAnswer.parse(await response.json());
}

describe("GET /admin/compare", () => {
  it("/admin/compare predicts that a memory of one entry answers fewer of the recorded reads of products than the memory of now", async () => {
    const client = createClient(TELEMETRY);
    const ids = [41, 42, 43];
    const read = (paths: readonly string[]) => Promise.all(paths.map((path) => client.send(path)));
    const products = ids.map((id) => `/products/${id}`);
    await read(products);
    await read([...products, ...products, ...products, "/users/7"]);
    const answer = await compare(client, "current", "eviction=lru,maxEntries=1");
    expect(answer).toMatchObject({ kind: "product", isolates: 1, rate: 1, sampledReads: 9 });
    expect(answer.reads).toBe(9);
    expect(answer.kinds).toEqual(["product", "user"]);
    expect(answer.a).toMatchObject({ settings: "current", eviction: "sieve", memoryHitRatio: 1 });
    expect(answer.b).toMatchObject({ eviction: "lru", maxEntries: 1 });
    // The first reads run at once, so that the last of them may be read again next.
    expect(answer.b?.memoryHitRatio).toBeLessThan(0.2);
    expect(answer.b?.hitRatio).toBe(1);
    expect(answer.a?.kindBytes).toBeGreaterThan(3 * 420);
    expect(answer.a?.memoryBytes).toBeGreaterThan(answer.a?.kindBytes ?? 0);
  });

  it("/admin/compare simulates the reads that another isolate has reported to its metrics object", async () => {
    const bindings = { ...TELEMETRY, STRATA_NAMESPACE: uniqueNamespace() };
    const busy = createClient(bindings);
    // The first report sends the reads that were recorded so far.
    await Promise.all([51, 52, 53, 54].map((id) => busy.send(`/products/${id}`)));
    const asked = createClient(bindings);
    const answer = await compare(asked, "current", "maxEntries=5");
    expect(answer).toMatchObject({ isolates: 1, kinds: ["product"] });
    expect(answer.sampledReads).toBeGreaterThan(0);
    expect(answer.a?.loadsPerMinute).toBeGreaterThan(0);
  });

  it("/admin/compare predicts nothing for a kind of which no reads were recorded", async () => {
    const client = createClient(TELEMETRY);
    const { a, b, reads, from } = await compare(client, "current", "freshFor=5m");
    expect([a, b, reads, from]).toEqual([null, null, 0, null]);
  });

  it.each([
    ["an unknown setting", "colour=red"],
    ["an unknown eviction order", "eviction=mru"],
    ["a memory of no bytes", "maxBytes=0"],
    ["a fresh lifetime of no time", "freshFor=0ms"],
    ["more than ten settings", Array.from({ length: 11 }, () => "maxEntries=5").join(",")],
    ["nothing", ""],
  ])("/admin/compare rejects %s with 400 and names the field", async (_, a) => {
    const query = new URLSearchParams({ kind: "product", a, b: "current" }).toString();
    const response = await createClient(TELEMETRY).send(`/admin/compare?${query}`, {
      headers: ADMIN,
    });
    expect(response.status).toBe(400);
    expect(JSON.stringify(await problemOf(response))).toContain('"field":"a"');
  });

  it("the text of a candidate becomes its settings, and `current` becomes none", () => {
    expect(candidateOf("current")).toEqual({});
    expect(candidateOf("eviction=ttl,maxBytes=5000,freshFor=5m,staleWhileRevalidate=0ms")).toEqual({
      eviction: "ttl",
      maxBytes: 5_000,
      freshFor: "5m",
      staleWhileRevalidate: "0ms",
    });
  });

  it("/admin/compare answers 503 `comparison-busy` with Retry-After if other comparisons have kept it waiting for too long", async () => {
    const { get } = createTestApp(uniqueNamespace(), (app) => {
      app.route("/compare", compareRoutes({ compare: () => Promise.reject(new ComparisonBusy()) }));
      app.onError(onError);
    });
    const { status, headers, body } = await get("/compare?kind=product&a=current&b=current");
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ type: "urn:strata:problem:comparison-busy" });
    expect(headers.get("Retry-After")).toBe("1");
  });
});
