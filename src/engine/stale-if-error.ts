/** What a read is answered with when its load has failed. */
import { CacheUnavailable, type Fault } from "../core/faults.ts";
import type { Lookup } from "../core/lookup.ts";
import type { Coherence } from "./coherence.ts";
import type { StaleEntry, LookupRequest, Read } from "./lookup-request.ts";
import { validate } from "./validation.ts";

type Reader = Read & Pick<LookupRequest, "freshnessOf">;

/**
 * A valid entry past its time, if there is one. Judged for this very read: it
 * may have been invalidated while the load failed, or have been found by a walk
 * that began long before this read.
 */
export async function firstServable(
  coherence: Coherence,
  read: Reader,
  candidates: readonly (StaleEntry | undefined)[],
): Promise<StaleEntry | undefined> {
  const { ctx, freshnessOf: standing } = read;
  for (const held of candidates) {
    if (held === undefined) continue;
    const near = await validate(coherence, held.entry, read);
    if (near.use !== "serve") continue;
    const stands = standing(near.entry, ctx.now());
    if (stands !== "kept" && stands !== "expired")
      return { entry: near.entry, unreachable: held.unreachable || near.unreachable };
  }
  return undefined;
}

/** @throws {CacheUnavailable} if none of the candidates will do. */
export async function serveStaleOnError(
  coherence: Coherence,
  read: Reader,
  candidates: readonly (StaleEntry | undefined)[],
  cause: Fault,
): Promise<Lookup> {
  const held = await firstServable(coherence, read, candidates);
  if (held === undefined) throw new CacheUnavailable(cause);
  return { key: read.key, status: "stale-on-error", ...held, stored: false };
}
