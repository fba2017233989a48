/** Reads the body of a handler's response for the cache, while the client gets it. */
import type { Millis } from "../../core/time.ts";
import { concat } from "../cache/text-bytes.ts";
import { createByteBudget } from "../../core/byte-budget.ts";

/** The maximum number of bytes of a stored body. A larger response is sent to its client but not stored. */
const MAX_BODY_BYTES = 1_048_576;
/** The bytes of all bodies that the isolate collects at a time. A further body is not stored. */
export const MAX_COPIED_BYTES = 8 * MAX_BODY_BYTES;
/** A body that has not ended after this time is not collected any longer, for example one without end. */
const MAX_COLLECT_MS: Millis = 30_000;

/** Media types whose bodies have no end, or are an event for each client. */
const ENDLESS = /^[ \t]*(?:text\/event-stream|multipart\/x-mixed-replace)\b/i;

const budget = createByteBudget(MAX_COPIED_BYTES);

/** Whether the fields of a response say that its body cannot be stored. */
export function hasUnstorableBody({ headers }: Response): boolean {
  if (ENDLESS.test(headers.get("Content-Type") ?? "")) return true;
  // The length is that of the encoded body, which may be longer than the decoded one by a few bytes.
  return Number(headers.get("Content-Length") ?? 0) > MAX_BODY_BYTES;
}

/**
 * Reads a copy of the body, and leaves the response itself to its client. Resolves with the whole
 * body, or with undefined if the body is not collected: it is over the limit or the budget, or has
 * taken too long. From then on, the client alone reads it.
 *
 * @throws if the body breaks off, or is not as long as its Content-Length says.
 */
export async function collectCopy(response: Response): Promise<Uint8Array | undefined> {
  if (response.body === null) return new Uint8Array();
  const length = lengthOf(response.headers);
  // A clone and not `body.tee()`, so that the response still knows whether its body is encoded.
  const reader = response.clone().body!.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let isLate = false;
  // The promise of `cancel` settles only when the client has ended its reading too.
  const stop = (): void => void reader.cancel().catch(() => undefined);
  const timer = setTimeout(() => {
    isLate = true;
    stop();
  }, MAX_COLLECT_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) return undefined;
      if (done) break;
      const fits = size + value.byteLength <= MAX_BODY_BYTES && budget.take(value.byteLength);
      if (!fits) {
        stop();
        return undefined;
      }
      size += value.byteLength;
      chunks.push(value);
    }
  } finally {
    clearTimeout(timer);
    budget.release(size);
  }
  if (length !== undefined && length !== size) throw new Error(`sent ${size} of ${length} bytes`);
  return concat(chunks);
}

/** The length of the body as it is read. The Content-Length of an encoded body is another. */
function lengthOf(headers: Headers): number | undefined {
  const text = headers.get("Content-Length");
  return text !== null && /^\d{1,15}$/.test(text) && !headers.has("Content-Encoding")
    ? Number(text)
    : undefined;
}
