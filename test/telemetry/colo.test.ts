import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { endpoint, logsOf, spansOf, valueOf } from "./collector.ts";
import { createTelemetryApp, newNamespace } from "./support.ts";

/** Sends a sampled request with this `request.cf`. Returns the data centre of its span and of its log record. */
async function coloWith(cf: unknown) {
  const service = newNamespace();
  const { app } = createTelemetryApp(service, (routes) => routes.get("/", (c) => c.text("")), {
    OTEL_SERVICE_NAME: service,
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint(),
    OTEL_TRACES_SAMPLER: "always_on",
  });
  const execution = createExecutionContext();
  // A client can send this field.
  const headers = { "CF-Ray": "230b030023ae2822-ZZZ" };
  const init = { headers, ...(cf !== undefined && { cf: cf as CfProperties }) };
  await app.fetch(new Request(`http://${service}.test/`, init), env, execution);
  await waitOnExecutionContext(execution);
  const [[span], [log]] = await Promise.all([spansOf(service), logsOf(service)]);
  return [span, log].map((one) => valueOf(one?.attributes, "cloudflare.colo"));
}

describe("the data centre of a sampled request", () => {
  it("is that of request.cf, on the span and on the log record", async () => {
    expect(await coloWith({ colo: "FRA" })).toEqual(["FRA", "FRA"]);
  });

  it.each([
    ["there is no request.cf", undefined],
    ["request.cf names none", {}],
    ["request.cf has no text there", { colo: 7 }],
  ])("is left out if %s", async (_, cf) => {
    expect(await coloWith(cf)).toEqual([undefined, undefined]);
  });
});
