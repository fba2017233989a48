/** The form of a message in the queue. */
import type { TraceCarrier } from "../../core/trace-carrier.ts";
import type { EpochMs } from "../../core/time.ts";
import type { QueuedChange } from "../behind.ts";

/** A change in the queue, with the instant at which it was sent and the span of its sender. */
export interface Envelope extends QueuedChange, Partial<TraceCarrier> {
  /** The version of this form. */
  readonly v: 1;
  readonly sentAt: EpochMs;
  /** An instant after `sentAt` at which the effect was not committed yet. */
  readonly heldAt?: EpochMs;
}

/** Cloudflare Queues refuse a message above 128 KB. The rest is for the fields of a dead letter. */
export const MAX_MESSAGE_BYTES = 120_000;

/** An id and a kind have 1 to 200 visible ASCII characters, so that Postgres and logs can hold them. */
export const NAME = /^[\x21-\x7e]{1,200}$/;

export function createEnvelope(
  { id, kind, payload }: QueuedChange,
  sentAt: EpochMs,
  carrier: TraceCarrier | undefined,
): Envelope {
  return { v: 1, id, kind, payload, sentAt, ...carrier };
}

/** Returns the envelope in the body of a message; undefined if the body is something else. */
export function readEnvelope(body: unknown): Envelope | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { v, id, kind, sentAt } = body as Partial<Record<keyof Envelope, unknown>>;
  const isEnvelope =
    v === 1 && isName(id) && isName(kind) && typeof sentAt === "number" && Number.isFinite(sentAt);
  return isEnvelope ? (body as Envelope) : undefined;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && NAME.test(value);
}
