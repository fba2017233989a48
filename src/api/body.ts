import { ApiProblem } from "./errors.ts";

const MAX_BODY_BYTES = 64 * 1024;

/**
 * Reads the body of a request. Routes call it after they have checked the token, so that a client
 * without one cannot make this Worker read anything.
 *
 * @throws {ApiProblem} 413 if the body is too large, before it is read if its length says so; 499
 *   if the client leaves before it has sent the whole body
 */
export async function readBody({ headers, body }: Request): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  if (Number(headers.get("Content-Length")) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(clientClosed);
    if (done) return join(chunks, size);
    size += value.length;
    if (size > MAX_BODY_BYTES) {
      await reader.cancel();
      throw tooLarge();
    }
    chunks.push(value);
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
