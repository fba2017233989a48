import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { coloOf } from "../../src/telemetry/traces/colo.ts";
import { endpoint, logsOf, spansOf, valueOf } from "./collector.ts";
import { createTelemetryApp, newNamespace } from "./support.ts";

interface Sent {
  readonly ray?: string;
  readonly cf?: unknown;
}

/** A request that counts the reads of `cf`, which the runtime parses when it is read. */
function requestOf({ ray, cf }: Sent) {
  const counts = { cf: 0 };
  const request = {
    method: "GET",
    headers: new Headers(ray === undefined ? {} : { "CF-Ray": ray }),
    get cf() {
      counts.cf++;
      return cf as Record<string, unknown> | undefined;
    },
  };
  return { request, counts };
}

describe("the data centre of a request", () => {
  it("is the end of CF-Ray, and request.cf is not read", () => {
    const { request, counts } = requestOf({ ray: "230b030023ae2822-SJC", cf: { colo: "FRA" } });
    expect(coloOf(request)).toBe("SJC");
    expect(counts.cf).toBe(0);
  });

  it.each([
    ["no CF-Ray", undefined],
    ["a CF-Ray without a data centre", "230b030023ae2822"],
    ["a CF-Ray that is a text of the client", "x-<script>"],
    ["a CF-Ray with more than one code", "230b030023ae2822-SJC-FRA"],
  ])("is that of request.cf with %s", (_, ray) => {
    const { request, counts } = requestOf({
      ...(ray !== undefined && { ray }),
      cf: { colo: "FRA" },
    });
    expect(coloOf(request)).toBe("FRA");
    expect(counts.cf).toBe(1);
  });

  it.each([
    ["there is no request.cf", undefined],
    ["request.cf names none", {}],
    ["request.cf has no text there", { colo: 7 }],
  ])("is empty if %s", (_, cf) => {
    expect(coloOf(requestOf({ cf }).request)).toBe("");
  });

  it("is an attribute of the span and of the log record of a sampled request", async () => {
    const service = newNamespace();
    const { app } = createTelemetryApp(service, (app) => app.get("/", (c) => c.text("")), {
      OTEL_SERVICE_NAME: service,
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint(),
      OTEL_TRACES_SAMPLER: "always_on",
    });
    const execution = createExecutionContext();
    const headers = { "CF-Ray": "230b030023ae2822-SJC" };
    await app.fetch(new Request(`http://${service}.test/`, { headers }), env, execution);
    await waitOnExecutionContext(execution);
    const [span] = await spansOf(service);
    const [log] = await logsOf(service);
    expect(valueOf(span?.attributes, "cloudflare.colo")).toBe("SJC");
    expect(valueOf(log?.attributes, "cloudflare.colo")).toBe("SJC");
  });
});
