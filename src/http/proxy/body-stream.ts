/** Reads a body for the cache, with or without a client that reads it at the same time. */
import { concat } from "../cache/text-bytes.ts";

export interface TeedBody {
  /** The branch that the client reads. */
  readonly body: ReadableStream<Uint8Array>;
  /**
   * Resolves with the whole body, or with undefined if it is over the limit. Rejects if
   * the origin breaks off. Settles just before the client sees the end.
   */
  readonly bytes: Promise<Uint8Array | undefined>;
  /** Settles when the copying has ended. The request must stay alive until then. */
  readonly pumping: Promise<void>;
}

/**
 * Copies a body to the client as it arrives, and collects up to `limit` bytes of it.
 * The client gets the end of the body after `whenStored` has settled.
 */
export function teeBody(
  source: ReadableStream<Uint8Array>,
  limit: number,
  length: number | undefined,
  whenStored: () => Promise<unknown>,
): TeedBody {
  const { readable, writable } =
    length === undefined ? new IdentityTransformStream() : new FixedLengthStream(length);
  const collected = Promise.withResolvers<Uint8Array | undefined>();
  // A failure is not an unhandled rejection if no caller awaits the bytes.
  collected.promise.catch(() => undefined);
  return {
    body: readable,
    bytes: collected.promise,
    pumping: pump(source, writable.getWriter(), { limit, length, whenStored }, collected),
  };
}

interface PumpOptions {
  readonly limit: number;
  readonly length: number | undefined;
  readonly whenStored: () => Promise<unknown>;
}

async function pump(
  source: ReadableStream<Uint8Array>,
  client: WritableStreamDefaultWriter<Uint8Array>,
  { limit, length, whenStored }: PumpOptions,
  collected: PromiseWithResolvers<Uint8Array | undefined>,
): Promise<void> {
  const reader = source.getReader();
  let chunks: Uint8Array[] | undefined = [];
  let size = 0;
  let clientReads = true;
  let lastChunk: Uint8Array | undefined;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.byteLength;
      if (size > limit && chunks !== undefined) {
        chunks = undefined;
        collected.resolve(undefined);
      }
      chunks?.push(value.slice());
      // A client that knows the length has everything with the last byte, so that chunk waits for `whenStored` too.
      if (size === length) lastChunk = value;
      else if (clientReads) clientReads = await client.write(value).then(yes, no);
      // Neither the client nor the cache needs the rest.
      if (!clientReads && chunks === undefined) return await reader.cancel();
    }
  } catch (error) {
    collected.reject(error);
    if (clientReads) await client.abort(error).then(yes, no);
    return;
  }
  if (chunks !== undefined) collected.resolve(concat(chunks));
  // The client's next request must find the response stored.
  await whenStored();
  if (clientReads && lastChunk !== undefined)
    clientReads = await client.write(lastChunk).then(yes, no);
  if (clientReads) await client.close().then(yes, no);
}

const yes = (): boolean => true;
const no = (): boolean => false;

/** Reads a body to its end; undefined, and the rest unread, if it is over the limit. */
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
