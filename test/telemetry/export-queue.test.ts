/** What the export queue keeps when clients fill it. */
import { describe, expect, it } from "vitest";
import type { ExportQueue } from "../../src/telemetry/export/export-queue.ts";
import type { Audit, TracedRecord } from "../../src/telemetry/traces/request-record.ts";
import { begunRecord, createTestQueue } from "../support/export-queues.ts";

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
  const record = begunRecord(SPAN, url);
  return Object.assign(record, { status, audit, route: "/admin/purge", span: SPAN });
}

function createQueue(): { readonly queue: ExportQueue; readonly sent: string[] } {
  const sent: string[] = [];
  const queue = createTestQueue(async (_url, { body }) => {
    sent.push(new TextDecoder().decode(body as Uint8Array));
    return new Response();
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
