/** Reads a body of the origin for the cache, and gives clients what has arrived, each at its own speed. */
import { concat } from "../cache/text-bytes.ts";
import type { ByteBudget } from "../../core/byte-budget.ts";

export interface ArrivingBody {
  /**
   * Resolves with the whole body, or with undefined if the body is not collected: it is over the
   * limit, or over the budget. Rejects if the origin breaks off.
   */
  readonly bytes: Promise<Uint8Array | undefined>;
  /** Resolves once more than `shortBytes` have arrived. */
  readonly isLong: Promise<undefined>;
  /** Makes a stream of the whole body for a client. A body that is not collected needs one, or `cancel`. */
  stream(options: StreamOptions): ClientStream;
  /** Whether a further client can get the whole body. */
  canJoin(): boolean;
  /** Ends the transfer of a body that is not collected. */
  cancel(): void;
  /** Settles when the origin has sent the body. The request that reads it must stay alive until then. */
  readonly ended: Promise<void>;
}

export interface StreamOptions {
  /** The Content-Length; undefined if it is unknown. */
  readonly length: number | undefined;
  /** The client gets the end of the body after this has settled. */
  readonly beforeEnd: () => Promise<unknown>;
}

export interface ClientStream {
  readonly body: ReadableStream<Uint8Array>;
  /** Settles when the client has the whole body, or has left. The request must stay alive until then. */
  readonly delivered: Promise<void>;
}

export interface CollectingOptions {
  readonly shortBytes: number;
  /** A longer body is not collected. */
  readonly limit: number;
  /** Bounds the bytes of all bodies in flight. */
  readonly budget: ByteBudget;
}

/** How many more bytes than a collected body has a client may be behind the fastest one. */
const MAX_LAG_BYTES = 1 << 20;
/** The bytes that a client of a body that is not collected may be behind without a reservation. It has not read the last chunks yet. */
const FREE_LAG_BYTES = 1 << 17;

/** What has arrived for one client, and has not been delivered. */
interface ClientQueue {
  readonly chunks: Uint8Array[];
  bytes: number;
  /** The client is so far behind that its stream ends with an error. */
  isCut: boolean;
}

/**
 * Reads a body at the speed of the origin and keeps it until it is complete, so that a slow client
 * does not delay the cache or other clients. A body over the limit or the budget is not kept any
 * longer: it is read at the speed of its fastest client.
 */
export function collect(
  source: ReadableStream<Uint8Array>,
  { shortBytes, limit, budget }: CollectingOptions,
): ArrivingBody {
  const reader = source.getReader();
  const collected = Promise.withResolvers<Uint8Array | undefined>();
  // A failure is not an unhandled rejection if no caller awaits the bytes.
  collected.promise.catch(() => undefined);
  const long = Promise.withResolvers<undefined>();
  let state: "collecting" | "passing" | "ended" = "collecting";
  let failure: { readonly error: unknown } | undefined;
  let size = 0;
  let reserved = 0;
  /** What has arrived since the start, for the cache or for a client that has no stream yet. */
  let kept: Uint8Array[] = [];
  const clients = new Set<ClientQueue>();
  /** A client has a stream, or none will. */
  let isOpened = false;
  let changed = Promise.withResolvers<void>();

  function notify(): void {
    changed.resolve();
    changed = Promise.withResolvers();
  }

  /** The clients share the chunks, so that they hold what the slowest one has not got. */
  const slowest = (): ClientQueue | undefined =>
    [...clients].reduce<ClientQueue | undefined>(
      (most, one) => (one.bytes > (most?.bytes ?? -1) ? one : most),
      undefined,
    );

  /** Gives the reserved bytes back that neither the cache nor a client needs. */
  function release(): void {
    if (state === "collecting") return;
    const unused = reserved - (slowest()?.bytes ?? 0);
    if (unused <= 0) return;
    budget.release(unused);
    reserved -= unused;
  }

  function cut(client: ClientQueue): void {
    client.isCut = true;
    client.chunks.length = 0;
    clients.delete(client);
  }

  /** Reserves what the clients of a body that is not collected are behind, or cuts the slowest ones. */
  function reserveLag(): void {
    for (let client = slowest(); client !== undefined; client = slowest()) {
      const missing = client.bytes - FREE_LAG_BYTES - reserved;
      if (clients.size === 1 || missing <= 0) return;
      if (client.bytes <= limit + MAX_LAG_BYTES && budget.take(missing)) {
        reserved += missing;
        return;
      }
      cut(client);
    }
  }

  function add(value: Uint8Array): void {
    // The runtime's chunk may be a view of a much larger buffer.
    const chunk = value.slice();
    size += chunk.byteLength;
    if (size > shortBytes) long.resolve(undefined);
    if (state === "collecting" && size <= limit && budget.take(chunk.byteLength))
      reserved += chunk.byteLength;
    else if (state === "collecting") {
      state = "passing";
      collected.resolve(undefined);
      if (isOpened) kept = [];
    }
    if (state === "collecting" || !isOpened) kept.push(chunk);
    for (const client of clients) {
      client.chunks.push(chunk);
      client.bytes += chunk.byteLength;
    }
    if (state === "passing") reserveLag();
    notify();
  }

  const isAbandoned = (): boolean => isOpened && clients.size === 0;

  /** Waits until a client has taken everything that has arrived. */
  async function drained(): Promise<void> {
    while (!isAbandoned() && ![...clients].some(({ bytes }) => bytes === 0)) await changed.promise;
    release();
  }

  async function read(): Promise<void> {
    try {
      for (;;) {
        if (state === "passing") await drained();
        // Neither a client nor the cache needs the rest.
        if (state === "passing" && isAbandoned()) return await reader.cancel();
        const { done, value } = await reader.read();
        if (done) break;
        add(value);
      }
      if (state === "collecting") collected.resolve(concat(kept));
    } catch (error) {
      failure = { error };
      collected.reject(error);
    } finally {
      reader.releaseLock();
      state = "ended";
      if (isOpened) kept = [];
      release();
      notify();
    }
  }

  async function deliver(
    to: WritableStreamDefaultWriter<Uint8Array>,
    client: ClientQueue,
    { length, beforeEnd }: StreamOptions,
  ): Promise<void> {
    const { chunks } = client;
    let sent = 0;
    for (;;) {
      while (chunks.length === 0 && state !== "ended" && !client.isCut) await changed.promise;
      const [chunk] = chunks;
      if (chunk === undefined || client.isCut) break;
      sent += chunk.byteLength;
      // A client that knows the length has the end of the body with the last byte.
      if (sent === length) await beforeEnd();
      if (!(await to.write(chunk).then(yes, no))) return;
      chunks.shift();
      client.bytes -= chunk.byteLength;
      notify();
    }
    const error = client.isCut ? new Error("the client reads too slowly") : failure?.error;
    if (error !== undefined) return void (await to.abort(error).then(yes, no));
    if (sent !== length) await beforeEnd();
    await to.close().then(yes, no);
  }

  return {
    bytes: collected.promise,
    isLong: long.promise,
    ended: read(),
    canJoin: () => state === "collecting",
    cancel() {
      isOpened = true;
      notify();
    },
    stream(options) {
      const { length } = options;
      const { readable, writable } =
        length === undefined ? new IdentityTransformStream() : new FixedLengthStream(length);
      const client: ClientQueue = { chunks: [...kept], bytes: 0, isCut: false };
      for (const { byteLength } of client.chunks) client.bytes += byteLength;
      clients.add(client);
      isOpened = true;
      if (state !== "collecting") kept = [];
      notify();
      // A client that leaves does not end the collecting.
      const delivered = deliver(writable.getWriter(), client, options).finally(() => {
        clients.delete(client);
        release();
        notify();
      });
      return { body: readable, delivered };
    },
  };
}

const yes = (): boolean => true;
const no = (): boolean => false;
