/** What the export queue keeps when clients fill it. */
import { resourceFromAttributes } from "@opentelemetry/resources";
import { describe, expect, it } from "vitest";
import { createExportQueue, type ExportQueue } from "../../src/telemetry/export/export-queue.ts";
import { createMeter } from "../../src/telemetry/metrics/meter.ts";
import { readSettings } from "../../src/telemetry/settings.ts";
import {
  createRecord,
  type Audit,
  type TracedRecord,
} from "../../src/telemetry/traces/request-record.ts";

const SPAN = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  sampled: false,
  state: "",
};

function recordOf(
  status: number,
  audit: Audit,
  url = "https://shop.test/admin/purge",
): TracedRecord {
  const record = createRecord({
    span: SPAN,
    sampled: false,
    parent: undefined,
    link: undefined,
    background: false,
    startedAt: 0,
    method: "POST",
    url,
    request: undefined,
    baggage: "",
  });
  return Object.assign(record, { status, audit, route: "/admin/purge", span: SPAN });
}

function createQueue(): { readonly queue: ExportQueue; readonly sent: string[] } {
  const sent: string[] = [];
  const queue = createExportQueue({
    settings: readSettings({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.test",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      STRATA_LOG: "off",
    }).settings,
    resource: resourceFromAttributes({}),
    meter: createMeter(),
    formatKey: (key) => key,
    print: () => undefined,
    onExport: () => undefined,
    now: () => 0,
    random: () => 0.5,
    sleep: async () => undefined,
    fetch: async (_url, { body }) => {
      sent.push(new TextDecoder().decode(body as Uint8Array));
      return new Response();
    },
  });
  return { queue, sent };
}

describe("a full export queue", () => {
  it("the export queue exports the log record of an operator's purge although refused requests have filled the queue", async () => {
    const { queue, sent } = createQueue();
    for (let i = 0; i < 3_000; i++) queue.add(recordOf(401, { actor: "", targets: [] }), "audited");
    queue.add(recordOf(200, { actor: "ops", targets: [["everything", ""]] }), "audited");
    while (!queue.empty) await queue.run();
    const all = sent.join("");
    expect(all.match(/"refused"/g)).toHaveLength(2_048);
    expect(all.match(/"ops"/g)).toHaveLength(1);
  });

  it("the export queue drops requests with URLs of 16,000 characters once it holds 4 MiB, and still takes an operator's purge", async () => {
    const { queue, sent } = createQueue();
    const long = `https://shop.test/${"a".repeat(16_000)}`;
    for (let i = 0; i < 2_048; i++)
      queue.add(recordOf(401, { actor: "", targets: [] }, long), "denied");
    queue.add(recordOf(200, { actor: "ops", targets: [["everything", ""]] }), "audited");
    while (!queue.empty) await queue.run();
    const all = sent.join("");
    const kept = all.match(/"refused"/g)?.length ?? 0;
    expect(kept).toBeGreaterThan(200);
    expect(kept * long.length).toBeLessThan(4 * 2 ** 20);
    expect(all.match(/"ops"/g)).toHaveLength(1);
    // An exported item takes no place any more.
    queue.add(recordOf(401, { actor: "", targets: [] }, long), "denied");
    expect(queue.empty).toBe(false);
  });
});
