import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { buffer } from "node:stream/consumers";

export interface Asking {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  readonly trailers?: NodeJS.Dict<string>;
  /** Closes the connection without waiting for the answer. */
  readonly signal?: AbortSignal;
}

/** Sends a request with exactly these fields. fetch would set Host and Accept-Encoding itself. */
export function ask(base: string, path: string, { body, trailers, ...options }: Asking = {}) {
  return new Promise<Answered>((resolve, reject) => {
    const sent = request(new URL(path, base), options, (response) => {
      const { statusCode: status, headers: received } = response;
      const cache = String(received["x-cache-status"]);
      buffer(response).then(
        (bytes) =>
          resolve({ status, cache, headers: received, body: bytes, trailers: response.trailers }),
        reject,
      );
    });
    sent.on("error", reject);
    if (body !== undefined) sent.write(body);
    if (trailers !== undefined) sent.addTrailers(trailers);
    sent.end();
  });
}

export interface Answered {
  readonly status: number | undefined;
  /** The X-Cache-Status field. */
  readonly cache: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: NodeJS.Dict<string>;
}
