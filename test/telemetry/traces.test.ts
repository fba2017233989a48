import { describe, expect, it } from "vitest";
import { cached, key } from "../../src/index.ts";
import { endpoint, logsOf, spansOf, valueOf, type OtlpSpan } from "./collector.ts";
import { createTelemetryApp, newNamespace } from "./support.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";

function appOf(variables: Readonly<Record<string, string>> = {}) {
  const service = newNamespace();
  const sent: Headers[] = [];
  const app = createTelemetryApp(
    service,
    (app, { traced, db }) => {
      app.get(
        "/things/:id",
        cached({ freshFor: "1m", key: (c) => key("thing", c.req.param("id") ?? "") }),
        async (c) => {
          await db.execute("select 1");
          return c.json({ id: c.req.param("id") });
        },
      );
      app.get("/calls", async (c) => {
        const answer = await traced("prices.quote", async (headers) => {
          sent.push(new Headers(headers));
          return "12";
        });
        return c.text(answer);
      });
      app.get("/fails", (c) => c.text("no", 500));
    },
    {
      OTEL_SERVICE_NAME: service,
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint(),
      STRATA_TRACE_SLOW_MS: "0",
      ...variables,
    },
  );
  return { ...app, service, sent };
}

const named = (spans: readonly OtlpSpan[], name: string) => {
  const span = spans.find((candidate) => candidate.name === name);
  if (span === undefined)
    throw new Error(`no span ${name} among ${spans.map((one) => one.name).join(", ")}`);
  return span;
};

describe("traces", () => {
  it.each(["http/protobuf", "http/json"])(
    "traces are exported over %s with gzip, as a tree under the span of a trusted caller",
    async (protocol) => {
      const { get, service } = appOf({
        STRATA_TRACE_PARENT: "trust",
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      });
      const response = await get("/things/7", {
        traceparent: `00-${TRACE}-${CALLER}-01`,
        tracestate: "vendor=opaque",
      });
      const spans = await spansOf(service);
      const server = named(spans, "GET /things/:id");
      expect(server).toMatchObject({
        traceId: TRACE,
        parentSpanId: CALLER,
        traceState: "vendor=opaque",
      });
      expect(response.headers.get("traceparent")).toBe(`00-${TRACE}-${server.spanId}-01`);
      expect(valueOf(server.attributes, "cache.status")).toBe("miss");
      expect(valueOf(server.attributes, "http.route")).toBe("/things/:id");
      expect(spans.every((span) => span.traceId === TRACE)).toBe(true);

      const origin = named(spans, "cache.origin");
      expect(origin.parentSpanId).toBe(server.spanId);
      // On a busy machine Redis may time out; when it is back, the relay asks SQL outside the origin call.
      const queries = spans.filter(({ name }) => name === "postgresql");
      expect(queries.map(({ parentSpanId }) => parentSpanId)).toContain(origin.spanId);
      const ids = new Set(spans.map(({ spanId }) => spanId));
      for (const { parentSpanId } of spans)
        expect(parentSpanId === CALLER || ids.has(parentSpanId ?? "")).toBe(true);
    },
  );

  it("the trace of a trusted caller continues in a service that the Worker calls, with tracestate and baggage", async () => {
    const { get, service, sent } = appOf({ STRATA_TRACE_PARENT: "trust" });
    await get("/calls", {
      traceparent: `00-${TRACE}-${CALLER}-01`,
      tracestate: "a=1,b=2",
      baggage: "tenant=7",
    });
    const call = named(await spansOf(service), "prices.quote");
    expect(sent[0]?.get("traceparent")).toBe(`00-${TRACE}-${call.spanId}-01`);
    expect(sent[0]?.get("tracestate")).toBe("a=1,b=2");
    expect(sent[0]?.get("baggage")).toBe("tenant=7");
  });

  it("telemetry follows the sampling decision of a trusted caller, but always exports the trace of a failed request", async () => {
    const { get, service } = appOf({
      STRATA_TRACE_PARENT: "trust",
      STRATA_TRACE_SLOW_MS: "10000",
    });
    const unsampled = { traceparent: `00-${TRACE}-${CALLER}-00` };
    const response = await get("/things/1", unsampled);
    expect(response.headers.get("traceparent")).toMatch(
      new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`),
    );
    expect(await spansOf(service)).toHaveLength(0);
    await get("/fails", unsampled);
    const server = named(await spansOf(service), "GET /fails");
    expect(server.status?.code).toBe(2);
    expect(valueOf(server.attributes, "error.type")).toBe("500");
  });

  it("the response has a traceparent of its own whose flags say that the trace is not sampled, and a failed request is exported under it", async () => {
    const { get, service } = appOf({
      OTEL_TRACES_SAMPLER: "always_off",
      STRATA_TRACE_SLOW_MS: "10000",
    });
    const ids = await Promise.all([1, 2].map(async () => (await get("/things/1")).headers));
    const [first, second] = ids.map((headers) => headers.get("traceparent"));
    expect(first).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00$/);
    expect(second).not.toBe(first);
    expect(await spansOf(service)).toHaveLength(0);
    const failed = await get("/fails");
    const server = named(await spansOf(service), "GET /fails");
    expect(failed.headers.get("traceparent")).toBe(`00-${server.traceId}-${server.spanId}-00`);
  });

  it("telemetry does not send the context of an unsampled trace to a service that the Worker calls", async () => {
    const { get, sent } = appOf({ OTEL_TRACES_SAMPLER: "always_off" });
    await get("/calls");
    expect(sent).toHaveLength(1);
    expect(sent[0]?.has("traceparent")).toBe(false);
  });

  it("traces and logs contain no path, query, token, cookie or address of the client, and contain cache keys only as hashes", async () => {
    const { get, service } = appOf();
    await get("/things/4711?password=hunter2", {
      authorization: "Bearer s3cr3t-token",
      cookie: "session=s3cr3t-cookie",
      "user-agent": "agent-of-person",
      "cf-connecting-ip": "203.0.113.7",
    });
    const all = JSON.stringify([await spansOf(service), await logsOf(service)]);
    expect(all).toContain("/things/:id");
    expect(all).toMatch(/#[0-9a-f]{13}/);
    for (const secret of ["hunter2", "s3cr3t", "agent-of-person", "203.0.113.7", "4711"])
      expect(all).not.toContain(secret);
  });
});

describe("logs", () => {
  it("telemetry writes one log event for each request, with the trace id and span id of the request", async () => {
    const { get, service } = appOf();
    await get("/things/1");
    await get("/things/1");
    const logs = await logsOf(service);
    expect(logs.map(({ body }) => body.stringValue)).toEqual([
      "GET /things/:id",
      "GET /things/:id",
    ]);
    expect(logs.map(({ attributes }) => valueOf(attributes, "cache.status"))).toEqual([
      "miss",
      "hit-memory",
    ]);
    const [first] = logs;
    const server = (await spansOf(service)).find(({ spanId }) => spanId === first?.spanId);
    expect(server?.traceId).toBe(first?.traceId);
    expect(valueOf(first?.attributes, "cache.sql.queries")).toBe("1");
    expect(valueOf(server?.attributes, "server.address")).toBe(`${service}.test`);
    // A field without a value is absent.
    const fieldsOf = (at: number) => new Set(logs[at]?.attributes?.map(({ key: name }) => name));
    expect([fieldsOf(0).has("sql_ms"), fieldsOf(1).has("sql_ms")]).toEqual([true, false]);
    for (const at of [0, 1]) {
      expect(fieldsOf(at).has("cache.faults")).toBe(false);
      expect(fieldsOf(at).has("cache.redis.commands")).toBe(true);
    }
  });
});
