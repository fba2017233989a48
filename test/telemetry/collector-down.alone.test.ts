/** Requests and telemetry while the collector refuses, hangs or is not there. */
import { env } from "cloudflare:workers";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { afterEach, describe, expect, it } from "vitest";
import type { StrataOptions } from "../../src/index.ts";
import { endpoint, spansOf } from "./collector.ts";
import { createTelemetryApp, newNamespace } from "./support.ts";

const services = () => (env as unknown as { SERVICES_URL: string }).SERVICES_URL;
const fault = (body: object) =>
  fetch(`${services()}/faults/otlp`, { method: "PUT", body: JSON.stringify(body) });
afterEach(async () => void (await fetch(`${services()}/faults`, { method: "DELETE" })));

function appOf(variables: Readonly<Record<string, string>> = {}, options?: StrataOptions) {
  const service = newNamespace();
  const all = {
    OTEL_SERVICE_NAME: service,
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint(),
    OTEL_EXPORTER_OTLP_TIMEOUT: "1500",
    OTEL_LOGS_EXPORTER: "none",
    ...variables,
  };
  const app = createTelemetryApp(
    service,
    (app) => app.get("/ok", (c) => c.text("ok")),
    all,
    options,
  );
  return { ...app, service };
}

const dropped = (reason: string) =>
  `telemetry_dropped_total{telemetry_signal="span",telemetry_reason="${reason}"}`;

describe("telemetry without a working collector", () => {
  it.each([
    ["answers 400", { status: 400 }, "refused", 1],
    ["answers 503 for good", { status: 503 }, "gave-up", 2],
    ["hangs", { hang: "before" }, "gave-up", 1],
    ["resets connections", { reset: true }, "gave-up", 2],
  ])(
    "a telemetry collector that %s delays no request, and /metrics counts the spans that are lost",
    async (_case, body, reason, attempts) => {
      const { get, metric, app } = appOf();
      await fetch(`${services()}/counts/reset`, { method: "POST" });
      await fault(body);
      const execution = createExecutionContext();
      const startedAt = Date.now();
      const response = await app.fetch(new Request("http://x.test/ok"), env, execution);
      expect(response.status).toBe(200);
      expect(Date.now() - startedAt, "the response waited for telemetry").toBeLessThan(500);
      await waitOnExecutionContext(execution);
      await get("/ok");
      expect(await metric(dropped(reason))).toBeGreaterThanOrEqual(1);
      const counts: { otlp: { requests: number } } = await (
        await fetch(`${services()}/counts`)
      ).json();
      expect(counts.otlp.requests).toBeGreaterThanOrEqual(attempts);
    },
  );

  it("a telemetry collector that answers 503 at first gets every span later, because the exporter repeats the export", async () => {
    const { app, metric, service } = appOf({ OTEL_EXPORTER_OTLP_TIMEOUT: "10000" });
    await fault({ status: 503 });
    const execution = createExecutionContext();
    await app.fetch(new Request("http://x.test/ok"), env, execution);
    await expect
      .poll(async () => {
        const response = await fetch(`${services()}/counts`);
        const { otlp }: { otlp: { requests: number } } = await response.json();
        return otlp.requests;
      })
      .toBeGreaterThan(0);
    await fetch(`${services()}/faults`, { method: "DELETE" });
    await waitOnExecutionContext(execution);
    expect((await spansOf(service)).map(({ name }) => name)).toContain("GET /ok");
    expect(await metric(dropped("gave-up"))).toBe(0);
  });

  it("an isolate with an unreachable collector limits the span queue during 5,000 requests, and counts lost spans as dropped", async () => {
    const { app, metric, get } = appOf(
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" },
      // The default interval between two exports.
      {},
    );
    await fault({ hang: "before" });
    const execution = createExecutionContext();
    for (let i = 0; i < 5_000; i++)
      await app.fetch(new Request("http://x.test/ok"), env, execution);
    await waitOnExecutionContext(execution);
    await get("/ok");
    const lost = await Promise.all([dropped("queue"), dropped("gave-up")].map(metric));
    expect(lost[0]).toBeGreaterThan(1_000);
    expect((lost[0] ?? 0) + (lost[1] ?? 0)).toBeGreaterThan(4_000);
  });
});
