/** W3C Trace Context: what comes in, what goes on. https://www.w3.org/TR/trace-context/ */
import type { TraceCarrier } from "../../core/trace-carrier.ts";
import type { Random } from "../../core/random.ts";

export interface SpanRef {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  /** Opaque; passed on as it came. */
  readonly state: string;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const MAX_STATE_CHARS = 512;

/** The caller's span; undefined if there is none, or it is malformed: a new trace begins then. */
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

/** A malformed tracestate is dropped whole; the trace goes on without it. */
function isTracestate(text: string): boolean {
  if (text === "" || text.length > MAX_STATE_CHARS) return false;
  const members = text.split(",").filter((member) => member.trim() !== "");
  const keys = members.map((member) => member.trim().split("=", 1)[0]);
  return (
    members.length <= 32 &&
    new Set(keys).size === keys.length &&
    members.every((member) =>
      /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/.test(
        member.trim(),
      ),
    )
  );
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const wordOf = (random: Random): number => (random() * 0x1_0000_0000) >>> 0;

/** By a table: toString(16) of a number of this size takes six times as long. */
function hex8(word: number): string {
  return (
    HEX[word >>> 24]! + HEX[(word >>> 16) & 255]! + HEX[(word >>> 8) & 255]! + HEX[word & 255]!
  );
}

/**
 * An id of 16 bytes, whose four words give `fold` if they are XORed; never all zero, which would
 * be no id.
 */
export function newTraceId(random: Random, fold: number): string {
  const [a, b, c] = [wordOf(random), wordOf(random), wordOf(random)];
  const d = a ^ b ^ c ^ fold;
  const none = (a | b | c | d) === 0;
  return hex8(none ? 1 : a) + hex8(none ? 1 : b) + hex8(c) + hex8(d);
}

/** An id of 8 bytes, never all zero. */
export function newSpanId(random: Random): string {
  const [a, b] = [wordOf(random), wordOf(random)];
  return hex8(a) + hex8((a | b) === 0 ? 1 : b);
}
