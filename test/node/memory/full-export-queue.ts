/** An export queue that clients and operators have filled. */
import type { ExportQueue } from "../../../src/telemetry/export/export-queue.ts";
import { addEvent, addStep } from "../../../src/telemetry/traces/request-record.ts";
import { begunRecord, createTestQueue } from "../../support/export-queues.ts";

let made = 0;

/** Fills the queue with requests: some have URLs of 16,000 characters, the others as many steps as a record takes. */
export function exportQueue(requests: number): ExportQueue {
  const queue = createTestQueue(async () => new Response());
  for (const actor of ["", "ops"]) for (let at = 0; at < requests; at++) add(queue, actor, at % 2);
  return queue;
}

function add(queue: ExportQueue, actor: string, isLong: number): void {
  const path = String(++made).padStart(isLong ? 16_000 : 100, "a");
  const span = { traceId: `${made}`, spanId: `${made}`, sampled: false, state: "" };
  const url = JSON.parse(JSON.stringify(`https://shop.test/${path}`)) as string;
  const record = begunRecord(span, url, 1_790_000_000_000 + made);
  record.audit = { actor, targets: [] };
  for (let at = 0; at < (isLong ? 2 : 100); at++) {
    addStep(record, {
      kind: "redis",
      name: `read ${++made}`,
      endedAt: 1_790_000_000_000 + made,
      ms: 1.5 + at,
      outcome: "ok",
      spanId: "",
      amount: 3,
    });
    addEvent(record, { name: "cache.reject", at: 1_790_000_000_000 + made, detail: `${++made} Ω` });
  }
  queue.add(record, "audited");
}
