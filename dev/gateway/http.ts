import type { IncomingMessage, ServerResponse } from "node:http";

/** The largest request body that a gateway reads, in bytes: the request limit of Upstash. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** A complete HTTP answer in memory, so that a fault can cut or delay it. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Thrown for a request body that is longer than {@link MAX_BODY_BYTES}. */
export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge";
  constructor() {
    super(`The request body is larger than ${MAX_BODY_BYTES} bytes`);
  }
}

/** Builds a JSON answer. */
export function json(status: number, value: unknown): Answer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

/** Builds an RFC 9457 answer for the control routes. */
export function problem(status: number, title: string, detail: string): Answer {
  return {
    status,
    headers: { "content-type": "application/problem+json" },
    body: JSON.stringify({ type: "about:blank", title, status, detail }),
  };
}

/**
 * Reads a whole body. Rejects with {@link BodyTooLarge} at the limit, and buffers no more than
 * that.
 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > MAX_BODY_BYTES) throw new BodyTooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Writes an answer, unless the client has disconnected. */
export function send(response: ServerResponse, answer: Answer): void {
  if (response.destroyed || response.headersSent) return;
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, { ...answer.headers, "content-length": body.length });
  response.end(body);
}
