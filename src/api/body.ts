import { createBodyReader } from "../index.ts";
import { ApiProblem } from "./errors.ts";

const MAX_BODY_BYTES = 64 * 1024;
/** The bodies that an isolate reads at a time have this many bytes together: 16 of the largest. */
const readAtOnce = createBodyReader(16 * MAX_BODY_BYTES);

/**
 * Reads the body of a request. Routes with a token call it after they have checked the token, so that a client
 * without one cannot make this Worker read anything.
 *
 * @throws {ApiProblem} 413 if the body is too large, before it is read if its length says so; 499
 *   if the client leaves before it has sent the whole body; 503 if it takes long and the bodies of other
 *   requests need its room
 */
export async function readBody({ headers, body }: Request): Promise<Uint8Array> {
  if (Number(headers.get("Content-Length")) > MAX_BODY_BYTES) throw tooLarge();
  const read = await readAtOnce(body, MAX_BODY_BYTES).catch(clientClosed);
  if (read === "too-large") throw tooLarge();
  if (read === "given-up") throw tooMany();
  return read;
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
    detail: "The body took long to arrive, and the bodies of other requests needed its room.",
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
