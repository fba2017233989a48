/** W3C Trace Context, read and written: https://www.w3.org/TR/trace-context/ */
import type { ChildSpan, TraceCarrier } from "../../core/trace-carrier.ts";
import type { Random } from "../../core/random.ts";

export interface SpanRef {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  /** The value of the `tracestate` field, sent on unchanged; "" if there is none. */
  readonly state: string;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const MAX_STATE_CHARS = 512;

/** Reads the caller's span. Undefined if `traceparent` is missing or malformed; the request then begins a new trace. */
export function readCarrier(
  traceparent: string | null | undefined,
  tracestate: string | null | undefined,
): SpanRef | undefined {
  const match = TRACEPARENT.exec(traceparent?.trim() ?? "");
  if (match === null) return undefined;
  const [, version = "", traceId = "", spanId = "", flags = "", rest] = match;
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const state = tracestate?.trim() ?? "";
  return {
    traceId,
    spanId,
    sampled: (Number.parseInt(flags, 16) & 1) === 1,
    state: isTracestate(state) ? state : "",
  };
}

export function traceparentOf({ traceId, spanId, sampled }: Omit<SpanRef, "state">): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}

export function carrierOf(span: SpanRef): TraceCarrier {
  const traceparent = traceparentOf(span);
  return span.state === "" ? { traceparent } : { traceparent, tracestate: span.state };
}

/** Makes the id of a child span of `parent`, and the fields that tell it to another service. */
export function newChildSpan(parent: SpanRef, random: Random): ChildSpan {
  const spanId = newSpanId(random);
  return { spanId, carrier: carrierOf({ ...parent, spanId }) };
}

const STATE_MEMBER =
  /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const MAX_STATE_MEMBERS = 32;

/** Returns false for a malformed tracestate. The trace then continues without a tracestate. */
function isTracestate(text: string): boolean {
  if (text === "" || text.length > MAX_STATE_CHARS) return false;
  const members = text
    .split(",")
    .map((member) => member.trim())
    .filter((member) => member !== "");
  const keys = members.map((member) => member.split("=", 1)[0]);
  return (
    members.length <= MAX_STATE_MEMBERS &&
    new Set(keys).size === keys.length &&
    members.every((member) => STATE_MEMBER.test(member))
  );
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const wordOf = (random: Random): number => (random() * 0x1_0000_0000) >>> 0;

/** Returns a word as 8 hex digits. It uses a table, because toString(16) of such a number takes six times as long. */
function hex8(word: number): string {
  return (
    HEX[word >>> 24]! + HEX[(word >>> 16) & 255]! + HEX[(word >>> 8) & 255]! + HEX[word & 255]!
  );
}

/**
 * Makes a trace id of 16 bytes. The XOR of its four 32-bit words is `fold`. The id is never all
 * zero, which W3C Trace Context forbids.
 */
export function newTraceId(random: Random, fold: number): string {
  const [a, b, c] = [wordOf(random), wordOf(random), wordOf(random)];
  const d = a ^ b ^ c ^ fold;
  const isZero = (a | b | c | d) === 0;
  return hex8(isZero ? 1 : a) + hex8(isZero ? 1 : b) + hex8(c) + hex8(d);
}

/** Makes a span id of 8 bytes that is never all zero. */
export function newSpanId(random: Random): string {
  const [a, b] = [wordOf(random), wordOf(random)];
  return hex8(a) + hex8((a | b) === 0 ? 1 : b);
}
