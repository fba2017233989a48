import { env } from "cloudflare:workers";
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { cached } from "../../src/index.ts";
import { createTelemetryApp, newNamespace, type TelemetryApp } from "./support.ts";

const hello = (app: TelemetryApp["app"]) =>
  app.get("/hello/:name", cached({ freshFor: "1m" }), (c) =>
    c.json({ hello: c.req.param("name") }),
  );

const hellos = (status: number) =>
  `http_server_request_duration_seconds_count{http_request_method="GET",http_route="/hello/:name",http_response_status_code="${status}",url_scheme="http"}`;

describe("/metrics", () => {
  it("/metrics counts a request by route and status as soon as the background work of the request is complete", async () => {
    const { get, metric } = createTelemetryApp(newNamespace(), hello, {}, {});
    await get("/hello/a");
    expect(await metric(hellos(200))).toBe(1);
    expect(await metric('cache_lookups_total{cache_status="miss"}')).toBe(1);
    expect(await metric('cache_origin_loads_total{cache_outcome="stored"}')).toBe(1);
  });

  it("/metrics shows the sum over several isolates, and the totals survive an eviction of the metrics Durable Objects", async () => {
    const namespace = newNamespace();
    const isolates = [0, 1, 2].map(() => createTelemetryApp(namespace, hello));
    for (const { get } of isolates) await get("/hello/a");
    const [first] = isolates;
    expect(await first?.metric(hellos(200))).toBe(3);
    const namespaceOfObjects = (env as unknown as { METRICS: DurableObjectNamespace }).METRICS;
    for (let shard = 0; shard < 4; shard++) {
      const id = namespaceOfObjects.idFromName(`${namespace}-metrics-${shard}`);
      await evictDurableObject(namespaceOfObjects.get(id));
    }
    for (const { get } of isolates) await get("/hello/a");
    expect(await first?.metric(hellos(200))).toBe(6);
  });

  it("/metrics contains no label with the path of a request that matches no route", async () => {
    const { get, layer } = createTelemetryApp(newNamespace(), hello);
    await get("/secret-path-1");
    const exposition = await layer.metrics.exposition();
    expect(exposition?.body).not.toContain("secret-path");
  });

  it("/metrics counts each request header and variable that a cached handler reads but the cache key does not contain", async () => {
    const { get, metric } = createTelemetryApp(newNamespace(), (app) =>
      app.get("/agent", cached({ freshFor: "1m" }), (c) => {
        const { other } = c.var as { other?: string };
        return c.text(`${c.req.header("User-Agent")} ${other}`);
      }),
    );
    await get("/agent", { "User-Agent": "test" });
    const count = (part: string, outcome: string) =>
      metric(`cache_unkeyed_reads_total{cache_part="${part}",cache_outcome="${outcome}"}`);
    expect(await count("header", "hidden")).toBe(1);
    expect(await count("variable", "private")).toBe(1);
  });
});
