import type { Context } from "../../core/context.ts";
import { CacheUnavailable, fault, messageOf } from "../../core/faults.ts";
import type { Millis } from "../../core/time.ts";
import { rawResponse } from "../cache/raw-response.ts";
import { collect, type ArrivingBody } from "./body-stream.ts";
import type { ByteBudget } from "../../core/byte-budget.ts";
import type { OriginResponse } from "./forward.ts";

/** Bodies of at most this length are read whole before the client gets its response. */
const AWAITED_BYTES = 65_536;
/** A body of unknown length is streamed as soon as it is longer, or if it has not ended after this time. */
const STREAM_AFTER_MS: Millis = 1;
/** How long the client waits for the end of its body at most, so that its next request finds the response stored. */
const STORE_WAIT_MS: Millis = 10;

export interface CollectOptions {
  /** A body of more bytes is sent to the client and not collected. */
  readonly limit: number;
  /** Bounds the bytes of all bodies in flight. A body that it refuses is sent to the client and not collected. */
  readonly budget: ByteBudget;
  readonly ctx: Context;
  /** Receives the response while its body is still arriving; undefined if no client waits. */
  readonly startStreaming: ((response: Response) => void) | undefined;
  /** Receives the body when it starts to be streamed, for further clients. */
  readonly onStreaming?: (body: SharedBody) => void;
  /** Settles when the collected body has been stored. */
  readonly whenStored: () => Promise<unknown>;
}

/** A body that is still arriving. */
export interface SharedBody {
  readonly ended: Promise<void>;
  /** Makes a stream of the whole body for one more client. Undefined if it is too late. */
  join(): ReadableStream<Uint8Array> | undefined;
}

/** The origin's response for the client, its body unread. */
export function relay({ body, status, statusText, headers }: OriginResponse): Response {
  return rawResponse(body, status, headers, statusText);
}

/**
 * Reads a body whole, for the cache. Undefined if it is not collected; the client then
 * gets all of it through `startStreaming`.
 *
 * @throws {CacheUnavailable} if the body breaks off, or is shorter than its Content-Length.
 */
export async function collectBody(
  received: OriginResponse,
  options: CollectOptions,
): Promise<Uint8Array | undefined> {
  const { limit, budget, startStreaming } = options;
  const { body, headers } = received;
  if (body === null) return new Uint8Array();
  const length = contentLengthOf(headers);
  if (length !== undefined && length > limit) {
    if (startStreaming === undefined) await body.cancel();
    else startStreaming(relay(received));
    return undefined;
  }
  const arriving = collect(body, { shortBytes: AWAITED_BYTES, limit, budget });
  try {
    if (startStreaming === undefined) return complete(await readAlone(arriving), length);
    const atOnce = await (isAwaited(headers) ? arriving.bytes : soon(arriving));
    if (atOnce !== undefined) return complete(atOnce, length);
    startStreaming(streamOf(arriving, received, length, options));
    return complete(await arriving.bytes, length);
  } catch (error) {
    if (error instanceof CacheUnavailable) throw error;
    throw new CacheUnavailable(fault("origin.unavailable", `broke off: ${messageOf(error)}`));
  }
}

/** Reads a body that no client waits for. */
async function readAlone(arriving: ArrivingBody): Promise<Uint8Array | undefined> {
  const bytes = await arriving.bytes;
  if (bytes === undefined) {
    arriving.cancel();
    await arriving.ended;
  }
  return bytes;
}

/** The bytes if they are few and there before a client could notice the wait. */
function soon({ bytes, isLong }: ArrivingBody): ArrivingBody["bytes"] {
  return Promise.race([bytes, isLong, sleep(STREAM_AFTER_MS)]);
}

/** The response for the client, whose body is still arriving. */
function streamOf(
  arriving: ArrivingBody,
  { status, statusText, headers }: OriginResponse,
  length: number | undefined,
  { ctx, whenStored, onStreaming }: CollectOptions,
): Response {
  const beforeEnd = (): Promise<unknown> => Promise.race([whenStored(), sleep(STORE_WAIT_MS)]);
  const { body, delivered } = arriving.stream({ length, beforeEnd });
  ctx.defer(Promise.all([arriving.ended, delivered]));
  onStreaming?.({
    ended: arriving.ended,
    join() {
      const noWait = (): Promise<void> => Promise.resolve();
      return arriving.canJoin() ? arriving.stream({ length, beforeEnd: noWait }).body : undefined;
    },
  });
  return rawResponse(body, status, headers, statusText);
}

function sleep(ms: Millis): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms);
  });
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
