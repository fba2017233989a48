/** Exports, decoded by protoc with the official definitions, and one trace over three services. */
import { execFileSync } from "node:child_process";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  decodeProtobuf,
  DESCRIPTORS,
  MESSAGES,
  SIGNALS,
  type Signal,
} from "../../dev/otlp/decode.ts";
import { startSink } from "./support/otlp-sink.ts";
import { startProduct, type Product } from "./support/product.ts";
import { until } from "./support/waiting.ts";

let product: Product;
let sink: Awaited<ReturnType<typeof startSink>>;
beforeAll(async () => {
  sink = await startSink();
  product = await startProduct({
    instances: 1,
    env: {
      ORIGIN_URL: sink.url,
      STRATA_TRACE_PARENT: "trust",
      OTEL_EXPORTER_OTLP_ENDPOINT: `${sink.url}/collect`,
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_EXPORTER_OTLP_HEADERS: "api-key=a%20b",
      OTEL_METRIC_EXPORT_INTERVAL: "1000",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test%2Ce2e",
    },
  });
});
afterAll(async () => {
  await product?.stop();
  await sink?.close();
});

const exportsOf = (signal: Signal) =>
  sink.received.filter(({ path }) => path === `/collect/v1/${signal}`);

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}

function spans(): Span[] {
  return exportsOf("traces").flatMap(({ body }) => {
    const { resourceSpans } = decodeProtobuf("traces", gunzipSync(body)) as {
      resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
    };
    return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  });
}

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

describe("OTLP exports", () => {
  it("protoc decodes every OTLP export of traces, metrics and logs", async () => {
    const client = product.client();
    for (const id of [1, 2, 1, 999_999]) await client.get(0, `/products/${id}`);
    await until(
      () => Promise.resolve(SIGNALS),
      (signals) => signals.every((signal) => exportsOf(signal).length > 0),
      30_000,
    );
    for (const signal of SIGNALS)
      for (const { body, headers } of exportsOf(signal)) {
        expect(headers).toMatchObject({
          "content-type": "application/x-protobuf",
          "content-encoding": "gzip",
          "api-key": "a b",
        });
        const text = execFileSync(
          "protoc",
          [`--descriptor_set_in=${DESCRIPTORS}`, `--decode=${MESSAGES[signal]}`],
          { input: gunzipSync(body), encoding: "utf8" },
        );
        expect(text).toContain('"test,e2e"');
        // protoc prints an unknown field as a bare number.
        expect(text).not.toMatch(/^\s*\d+: /m);
      }
  });

  it("one trace contains the spans of the Worker, of the Durable Object and of a service that the Worker calls", async () => {
    const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
    const ask = (path: string) => product.client().ask(0, path, { headers: { traceparent } });
    const answer = await ask("/products/321");
    expect(answer.headers["traceparent"]).toMatch(`00-${TRACE}-`);
    await ask("/origin/page");
    const called = sink.received.find(({ path }) => path === "/page");
    const mine = () => spans().filter(({ traceId }) => traceId === TRACE);
    const joins = () => mine().filter(({ name }) => name === "FlightShard/join");
    await until(
      () => Promise.resolve(joins()),
      (found) => found.length >= 2,
      30_000,
    );

    const client = joins().find((span) =>
      joins().some(({ parentSpanId }) => parentSpanId === span.spanId),
    );
    expect(client, "the span of the Durable Object is a child of the Worker's span").toBeDefined();
    const server = mine().find(({ spanId }) => spanId === client?.parentSpanId);
    expect(server).toMatchObject({ name: "GET /products/:id", parentSpanId: "00f067aa0ba902b7" });
    expect(answer.headers["traceparent"]).toContain(server?.spanId);

    const [, traceId, parentId] = String(called?.headers["traceparent"]).split("-");
    expect(traceId).toBe(TRACE);
    await until(
      () => Promise.resolve(mine()),
      (found) => found.some(({ spanId }) => spanId === parentId),
      30_000,
    );
  });
});
