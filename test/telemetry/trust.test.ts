/** A caller decides neither which requests are logged nor under which trace. */
import { describe, expect, it } from "vitest";
import { createObservedApi, TOKEN } from "../api/observed.ts";
import { createTracedFetch } from "../../src/telemetry/traces/traced.ts";
import { logsOf, spansOf, valueOf, type OtlpLog } from "./collector.ts";
import { createTelemetryApp, newNamespace } from "./support.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";
const UNSAMPLED = { traceparent: `00-${TRACE}-${CALLER}-00` };
const SAMPLED = { traceparent: `00-${TRACE}-${CALLER}-01` };

const isRequest = (log: OtlpLog) => log.eventName === "http.server.request";
const statusOf = (log: OtlpLog) => Number(valueOf(log.attributes, "http.response.status_code"));

/** The statuses of the requests that the logs of a service show. */
async function loggedStatuses(service: string): Promise<readonly number[]> {
  return (await logsOf(service)).filter(isRequest).map(statusOf);
}

describe("a hostile caller and the log", () => {
  it("ten guesses of the admin token with an unsampled traceparent are all logged", async () => {
    const { ask, service } = createObservedApi({ STRATA_TRACE_SLOW_MS: "0" });
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        ask(`guess-${i}`, "/admin/entry?key=x", { ip: `192.0.2.${i}`, headers: UNSAMPLED }),
      ),
    );
    expect(await loggedStatuses(service)).toEqual(Array.from({ length: 10 }, () => 401));
  });

  it("a purge of everything with an unsampled traceparent is logged", async () => {
    const { ask, service } = createObservedApi({ OTEL_TRACES_SAMPLER: "always_off" });
    const purge = {
      method: "POST",
      body: { everything: true },
      headers: UNSAMPLED,
      ip: "192.0.2.1",
    };
    expect((await ask(TOKEN, "/admin/purge", purge)).status).toBe(200);
    expect(await loggedStatuses(service)).toEqual([200]);
  });

  it("a request that a rate limit refuses is logged without spans although the trace sampler is always_off", async () => {
    const { send, service } = createObservedApi({ OTEL_TRACES_SAMPLER: "always_off" });
    const ip = "192.0.2.77";
    const answers = await Promise.all(
      Array.from({ length: 122 }, () => send("/health/live", { ip, headers: UNSAMPLED })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
    expect(await loggedStatuses(service)).toEqual([429, 429]);
    expect(await spansOf(service)).toHaveLength(0);
  });

  it("with a sampling ratio of 0.01 and a random draw of 0.5, 60 requests with a forged sampled traceparent cause no exported trace", async () => {
    const { send, service, random } = createObservedApi({
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.01",
    });
    random.next = () => 0.5;
    const ip = "192.0.2.1";
    await Promise.all(
      Array.from({ length: 60 }, () => send("/openapi.json", { ip, headers: SAMPLED })),
    );
    expect(await spansOf(service)).toHaveLength(0);
  });

  it("a trace id that a caller chose to pass the ratio sampler does not make telemetry export the trace", async () => {
    const { send, service, random } = createObservedApi({
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.01",
    });
    random.next = () => 0.5;
    // The XOR of the four words of this id is 0, which every ratio keeps.
    const traceparent = `00-${"0000000a".repeat(4)}-${CALLER}-01`;
    for (let i = 0; i < 5; i++)
      await send("/openapi.json", { ip: "192.0.2.1", headers: { traceparent } });
    expect(await spansOf(service)).toHaveLength(0);
  });
});

describe("the trace of a caller", () => {
  it("the baggage of a caller that is not trusted is not sent to services that the Worker calls", async () => {
    const sent: Headers[] = [];
    const { get } = createTelemetryApp(newNamespace(), (app, { traced }) =>
      app.get("/", (c) =>
        traced("call", async (headers) => {
          sent.push(new Headers(headers));
          return c.text("ok");
        }),
      ),
    );
    await get("/", { ...SAMPLED, baggage: "role=admin" });
    expect(sent[0]?.get("traceparent")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(sent[0]?.has("baggage")).toBe(false);
  });

  it("a request begins a trace of its own and links to the caller's span if STRATA_TRACE_PARENT is not set", async () => {
    const { send, service } = createObservedApi();
    const headers = { ...SAMPLED, tracestate: "vendor=forged" };
    const response = await send("/openapi.json", { headers });
    const [span] = await spansOf(service);
    expect(span?.traceId).not.toBe(TRACE);
    expect(span?.parentSpanId ?? "").toBe("");
    expect(span?.traceState ?? "").toBe("");
    expect(span?.links).toMatchObject([{ traceId: TRACE, spanId: CALLER }]);
    expect(response.headers.get("traceparent")).toBe(`00-${span?.traceId}-${span?.spanId}-01`);
  });

  it("STRATA_TRACE_PARENT=trust continues the caller's trace and follows the sampling decision of the caller", async () => {
    const { send, service } = createObservedApi({ STRATA_TRACE_PARENT: "trust" });
    await send("/openapi.json", { headers: UNSAMPLED });
    expect(await spansOf(service)).toHaveLength(0);
    await send("/openapi.json", { headers: SAMPLED });
    expect(await spansOf(service)).toMatchObject([{ traceId: TRACE, parentSpanId: CALLER }]);
  });

  it("STRATA_TRACE_PARENT=ignore begins a new trace without a link to the caller's span", async () => {
    const { send, service } = createObservedApi({ STRATA_TRACE_PARENT: "ignore" });
    await send("/openapi.json", { headers: SAMPLED });
    const [span] = await spansOf(service);
    expect(span?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(span?.traceId).not.toBe(TRACE);
    expect(span?.links ?? []).toHaveLength(0);
  });

  /** Sends a request with a trace context through a proxy. Returns the fields that the origin gets. */
  async function proxiedFields(variables: Readonly<Record<string, string>>): Promise<Headers> {
    const sent: Headers[] = [];
    const { get } = createTelemetryApp(
      newNamespace(),
      (app, { traced, config }) => {
        const toOrigin = createTracedFetch({
          traced,
          settings: config.telemetry,
          fetch: async (_url, init) => {
            sent.push(new Headers(init.headers));
            return new Response("from the origin");
          },
        });
        app.get("/", (c) =>
          toOrigin(new URL("http://origin.test/"), { headers: c.req.raw.headers }),
        );
      },
      { OTEL_TRACES_SAMPLER: "always_off", ...variables },
    );
    await get("/", { ...SAMPLED, tracestate: "vendor=forged", "x-kept": "1" });
    const [fields] = sent;
    if (fields === undefined) throw new Error("the origin got no request");
    expect(fields.get("x-kept")).toBe("1");
    return fields;
  }

  it.each(["link", "ignore"])(
    "with STRATA_TRACE_PARENT=%s, a proxied request carries neither the caller's trace nor its tracestate to the origin",
    async (STRATA_TRACE_PARENT) => {
      const fields = await proxiedFields({ STRATA_TRACE_PARENT });
      expect(fields.get("traceparent") ?? "").not.toContain(TRACE);
      expect(fields.get("tracestate") ?? "").not.toContain("forged");
    },
  );

  it.each([{ STRATA_TRACE_PARENT: "trust" }, { OTEL_SDK_DISABLED: "true" }])(
    "with %j, the proxy forwards the caller's trace id and tracestate to the origin",
    async (variables) => {
      const fields = await proxiedFields(variables);
      expect(fields.get("traceparent")).toContain(TRACE);
      expect(fields.get("tracestate")).toBe("vendor=forged");
    },
  );
});
