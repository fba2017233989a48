import { ApiProblem } from "./errors.ts";

const MAX_BODY_BYTES = 64 * 1024;
/** The bodies that an isolate reads at a time have at most this many bytes together: 16 of the largest. */
const MAX_BYTES_AT_ONCE = 16 * MAX_BODY_BYTES;

/** The bytes of bodies that have not arrived as a whole. A slow client keeps its own for as long as it likes. */
let bytesAtOnce = 0;

/**
 * Reads the body of a request. Routes call it after they have checked the token, so that a client
 * without one cannot make this Worker read anything.
 *
 * @throws {ApiProblem} 413 if the body is too large, before it is read if its length says so; 499
 *   if the client leaves before it has sent the whole body; 503 if the bodies of other requests take
 *   too many bytes
 */
export async function readBody({ headers, body }: Request): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  if (Number(headers.get("Content-Length")) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(clientClosed);
      if (done) return join(chunks, size);
      size += value.length;
      bytesAtOnce += value.length;
      if (size > MAX_BODY_BYTES || bytesAtOnce > MAX_BYTES_AT_ONCE) {
        await reader.cancel();
        throw size > MAX_BODY_BYTES ? tooLarge() : tooMany();
      }
      chunks.push(value);
    }
  } finally {
    bytesAtOnce -= size;
  }
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function tooLarge(): ApiProblem {
  return new ApiProblem({
    status: 413,
    type: "body-too-large",
    title: "Content Too Large",
    detail: `A body has at most ${MAX_BODY_BYTES} bytes.`,
  });
}

function tooMany(): ApiProblem {
  return new ApiProblem({
    status: 503,
    type: "too-many-bodies",
    title: "Too Many Bodies",
    detail: "The bodies of other requests take too many bytes at the moment.",
    headers: { "Retry-After": "1" },
  });
}

/**
 * The client does not receive this response, but telemetry counts its status. nginx uses 499 for a
 * client that has closed the connection. A 5xx would count as a fault of this Worker.
 */
function clientClosed(): never {
  throw new ApiProblem({
    status: 499,
    type: "client-closed",
    title: "Client Closed Request",
    detail: "The client closed the connection before it had sent the whole body.",
  });
}
