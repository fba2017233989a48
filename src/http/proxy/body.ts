/** A body on its way to the client, collected on the way for the cache. */

import { bytesOf, concat } from "../cache/text-bytes.ts";

/** Statuses that have no body at all. */
const WITHOUT_BODY = new Set([101, 204, 205, 304]);

export function mayHaveBody(status: number): boolean {
  return !WITHOUT_BODY.has(status);
}

/** A response with bytes exactly as they are: whatever Content-Encoding says, they are encoded already. */
export function rawResponse(
  body: Uint8Array | ReadableStream | string | null,
  status: number,
  headers: Headers,
  statusText?: string,
): Response {
  const init: ResponseInit = { status, headers, ...(statusText && { statusText }) };
  if (headers.has("Content-Encoding")) init.encodeBody = "manual";
  // Of a string the runtime would make a Content-Type where there is none.
  const bytes = typeof body === "string" && !headers.has("Content-Type") ? bytesOf(body) : body;
  return new Response(mayHaveBody(status) ? bytes : null, init);
}

export interface Tapped {
  /** What the client reads. */
  readonly body: ReadableStream<Uint8Array>;
  /**
   * Everything, once it has all arrived; undefined if it was over the limit. Rejects
   * if the origin breaks off. Ends just before the client sees the end.
   */
  readonly bytes: Promise<Uint8Array | undefined>;
  /** The work of moving it; keep the request alive for it. */
  readonly pumping: Promise<void>;
}

/** Lets a client read a body as it comes, while up to `limit` bytes of it are collected. */
export function tap(
  source: ReadableStream<Uint8Array>,
  limit: number,
  length: number | undefined,
  settled: () => Promise<unknown>,
): Tapped {
  const { readable, writable } =
    length === undefined ? new IdentityTransformStream() : new FixedLengthStream(length);
  const whole = Promise.withResolvers<Uint8Array | undefined>();
  // Whoever waits for it sees the failure; when nobody does, it is none.
  whole.promise.catch(() => undefined);
  return {
    body: readable,
    bytes: whole.promise,
    pumping: pump(source, writable.getWriter(), { limit, length, settled }, whole),
  };
}

interface PumpOptions {
  readonly limit: number;
  readonly length: number | undefined;
  readonly settled: () => Promise<unknown>;
}

async function pump(
  source: ReadableStream<Uint8Array>,
  client: WritableStreamDefaultWriter<Uint8Array>,
  { limit, length, settled }: PumpOptions,
  whole: PromiseWithResolvers<Uint8Array | undefined>,
): Promise<void> {
  const reader = source.getReader();
  let chunks: Uint8Array[] | undefined = [];
  let size = 0;
  let present = true;
  let last: Uint8Array | undefined;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.byteLength;
      if (size > limit && chunks !== undefined) {
        chunks = undefined;
        whole.resolve(undefined);
      }
      chunks?.push(value.slice());
      // With its last byte a client knows that it has everything, and may ask again.
      if (size === length) last = value;
      else if (present) present = await client.write(value).then(yes, no);
      // Nobody reads it and nobody keeps it.
      if (!present && chunks === undefined) return await reader.cancel();
    }
  } catch (error) {
    whole.reject(error);
    if (present) await client.abort(error).then(yes, no);
    return;
  }
  if (chunks !== undefined) whole.resolve(concat(chunks));
  // The next request of this client must find it stored.
  await settled();
  if (present && last !== undefined) present = await client.write(last).then(yes, no);
  if (present) await client.close().then(yes, no);
}

const yes = (): boolean => true;
const no = (): boolean => false;

/** All of a body, or what has come of it and the rest if it is over the limit. */
export async function readUpTo(
  source: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.byteLength;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return concat(chunks);
}
