/**
 * Reads a body as a whole. It returns `too-large`, and cancels the body, if the body has more than `maxBytes`, and
 * `given-up` if the reader needed its room for newer bodies.
 *
 * @throws the error of the stream, for example if the client has left
 */
export type ReadBody = (
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
) => Promise<Uint8Array | "too-large" | "given-up">;

/** A body that has not arrived as a whole. */
interface Reading {
  readonly chunks: Uint8Array[];
  bytes: number;
}

/**
 * Creates a reader of bodies. Those that have not arrived as a whole take at most `maxBytesAtOnce` bytes together, or
 * the bytes of one of them that is larger. If there are more, the reader gives up those that have taken longest: clients
 * that stall, and invocations that the platform has ended, keep nobody else from sending a body.
 *
 * @example
 * const readBody = createBodyReader(1_048_576);
 * const body = await readBody(new Request("https://shop.example", { method: "POST", body: "{}" }).body, 65_536);
 * if (typeof body !== "string") console.log(body.length);
 */
export function createBodyReader(maxBytesAtOnce: number): ReadBody {
  /** In the order in which they began. */
  const readings = new Set<Reading>();
  let total = 0;

  function end(reading: Reading): void {
    if (!readings.delete(reading)) return;
    total -= reading.bytes;
    reading.chunks.length = 0;
  }

  function makeRoomFor(own: Reading): void {
    for (const oldest of readings) {
      if (total <= maxBytesAtOnce) return;
      // The stream belongs to another request: that request ends it with its next part.
      if (oldest !== own) end(oldest);
    }
  }

  return async (body, maxBytes) => {
    if (body === null) return new Uint8Array();
    const own: Reading = { chunks: [], bytes: 0 };
    readings.add(own);
    const reader = body.getReader();
    // The promise of `cancel` may wait for the reader of a copy, so nothing waits for it.
    const cancel = (): void => void reader.cancel().catch(() => undefined);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (!readings.has(own)) {
          cancel();
          return "given-up";
        }
        if (done) return new Uint8Array(await new Blob(own.chunks).arrayBuffer());
        own.chunks.push(value);
        own.bytes += value.length;
        total += value.length;
        if (own.bytes > maxBytes) {
          cancel();
          return "too-large";
        }
        makeRoomFor(own);
      }
    } finally {
      end(own);
    }
  };
}
