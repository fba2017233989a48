import type { Context } from "../../core/context.ts";
import { CacheUnavailable, fault, messageOf } from "../../core/faults.ts";
import { rawResponse } from "../cache/raw-response.ts";
import { readUpTo, teeBody } from "./body-stream.ts";
import type { OriginResponse } from "./forward.ts";

/** Bodies of at most this length are read whole before the client gets its response. Longer ones, and those of unknown length, are streamed. */
const AWAITED_BYTES = 65_536;

export interface CollectOptions {
  /** A body of more bytes is sent to the client and not collected. */
  readonly limit: number;
  readonly ctx: Context;
  /** Receives the response while its body is still arriving; undefined if no client waits. */
  readonly startStreaming: ((response: Response) => void) | undefined;
  /** Settles when the collected body has been stored. */
  readonly whenStored: () => Promise<unknown>;
}

/** The origin's response for the client, its body unread. */
export function relay({ body, status, statusText, headers }: OriginResponse): Response {
  return rawResponse(body, status, headers, statusText);
}

/**
 * Reads a body whole, for the cache. Undefined if it is over the limit; the client then
 * gets all of it through `startStreaming`.
 *
 * @throws {CacheUnavailable} if the body breaks off, or is shorter than its Content-Length.
 */
export async function collectBody(
  received: OriginResponse,
  { limit, ctx, startStreaming, whenStored }: CollectOptions,
): Promise<Uint8Array | undefined> {
  const { body, status, statusText, headers } = received;
  if (body === null) return new Uint8Array();
  const length = contentLengthOf(headers);
  if (length !== undefined && length > limit) {
    if (startStreaming === undefined) await body.cancel();
    else startStreaming(relay(received));
    return undefined;
  }
  try {
    if (startStreaming === undefined || isAwaited(headers))
      return complete(await readUpTo(body, limit), length);
    const teed = teeBody(body, limit, length, whenStored);
    ctx.defer(teed.pumping);
    startStreaming(rawResponse(teed.body, status, headers, statusText));
    return complete(await teed.bytes, length);
  } catch (error) {
    if (error instanceof CacheUnavailable) throw error;
    throw new CacheUnavailable(fault("origin.unavailable", `broke off: ${messageOf(error)}`));
  }
}

/** RFC 9111, 3.3: a body that is shorter than its Content-Length is incomplete and not stored. */
function complete(
  bytes: Uint8Array | undefined,
  length: number | undefined,
): Uint8Array | undefined {
  if (bytes !== undefined && length !== undefined && bytes.byteLength !== length)
    throw new CacheUnavailable(
      fault("origin.unavailable", `sent ${bytes.byteLength} of ${length} bytes`),
    );
  return bytes;
}

/** Whether the client's response waits for the whole body. */
export function isAwaited(headers: Headers): boolean {
  return (contentLengthOf(headers) ?? Infinity) <= AWAITED_BYTES;
}

function contentLengthOf(headers: Headers): number | undefined {
  const text = headers.get("Content-Length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
