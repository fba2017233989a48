/** Getting a body whole, for the cache, without keeping the client waiting for it. */
import { CacheUnavailable, fault, messageOf } from "../../core/faults.ts";
import type { Context } from "../../core/context.ts";
import { rawResponse, readUpTo, tap } from "./body.ts";
import type { Received } from "./forward.ts";

/** Bodies up to this are awaited; the client reads longer ones, or those of unknown length, as they come. */
const AWAITED_BYTES = 65_536;

export interface CollectOptions {
  /** Bodies over this pass through and are not kept. */
  readonly limit: number;
  readonly ctx: Context;
  /** Hands the response over while its body is still under way; undefined where nobody reads it. */
  readonly early: ((response: Response) => void) | undefined;
  /** Settles when what was collected has been stored. */
  readonly settled: () => Promise<unknown>;
}

export function relay({ body, status, statusText, headers }: Received): Response {
  return rawResponse(body, status, headers, statusText);
}

/** Undefined if the body is too long to keep; then `early`, if there is one, has all of it. */
export async function collect(
  received: Received,
  { limit, ctx, early, settled }: CollectOptions,
): Promise<Uint8Array | undefined> {
  const { body, status, statusText, headers } = received;
  if (body === null) return new Uint8Array();
  const length = lengthOf(headers);
  if (length !== undefined && length > limit) {
    if (early === undefined) await body.cancel();
    else early(relay(received));
    return undefined;
  }
  try {
    if (early === undefined || (length !== undefined && length <= AWAITED_BYTES))
      return whole(await readUpTo(body, limit), length);
    const tapped = tap(body, limit, length, settled);
    ctx.defer(tapped.pumping);
    early(rawResponse(tapped.body, status, headers, statusText));
    return whole(await tapped.bytes, length);
  } catch (error) {
    if (error instanceof CacheUnavailable) throw error;
    throw new CacheUnavailable(fault("origin.unavailable", `broke off: ${messageOf(error)}`));
  }
}

/** What is shorter than it said is not stored (RFC 9111, 3.3). */
function whole(bytes: Uint8Array | undefined, length: number | undefined): Uint8Array | undefined {
  if (bytes !== undefined && length !== undefined && bytes.byteLength !== length)
    throw new CacheUnavailable(
      fault("origin.unavailable", `sent ${bytes.byteLength} of ${length} bytes`),
    );
  return bytes;
}

function lengthOf(headers: Headers): number | undefined {
  const text = headers.get("Content-Length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
