/** The body of a client's request on its way to the origin. */
export interface Upload {
  readonly body: ReadableStream<Uint8Array> | null;
  /** Whether the client left before it had sent the whole body. */
  hasBrokenOff(): boolean;
}

/** Thrown if the client left before it had sent the whole body. */
export class ClientGone extends Error {}

/**
 * Passes on the body of a request, and notes whether the client breaks it off. The runtime reports a
 * lost client and a lost origin by the same error, so only the side of the stream tells them apart.
 *
 * A body without Content-Length is passed on unobserved. If a stream between client and origin fails,
 * the runtime ends the chunked coding as usual, and the origin would take the part for the whole.
 */
export function uploadOf({ body, headers }: Request): Upload {
  const length = headers.get("Content-Length");
  if (body === null || length === null) return { body, hasBrokenOff: () => false };
  const { readable, writable } = new FixedLengthStream(Number(length));
  let brokenOff = false;

  async function pass(source: ReadableStream<Uint8Array>): Promise<void> {
    try {
      await source.pipeTo(writable, { preventAbort: true, preventCancel: true });
    } catch (error) {
      brokenOff = await isErrored(source);
      await (brokenOff ? writable.abort(error) : source.cancel(error));
    }
  }

  // The result is in `brokenOff`. The streams report an error to their other ends themselves.
  pass(body).catch(() => undefined);
  return { body: readable, hasBrokenOff: () => brokenOff };
}

/** Whether the stream has failed. `closed` of a stream that can still be read stays pending. */
async function isErrored(stream: ReadableStream<Uint8Array>): Promise<boolean> {
  const reader = stream.getReader();
  try {
    return await Promise.race([
      reader.closed.then(
        () => false,
        () => true,
      ),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 0)),
    ]);
  } finally {
    reader.releaseLock();
  }
}
