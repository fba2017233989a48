/** What a read is answered with when its load has failed. */
import { CacheUnavailable, type Fault } from "../core/faults.ts";
import type { Lookup } from "../core/ports.ts";
import type { Coherence } from "./coherence.ts";
import type { Held, Job, Read } from "./job.ts";
import { judgeNear } from "./near.ts";

type Reader = Read & Pick<Job, "standing">;

/**
 * A valid entry past its time, if there is one. Judged for this very read: it
 * may have been invalidated while the load failed, or have been found by a walk
 * that began long before this read.
 */
export async function firstUsable(
  coherence: Coherence,
  read: Reader,
  candidates: readonly (Held | undefined)[],
): Promise<Held | undefined> {
  const { ctx, standing } = read;
  for (const held of candidates) {
    if (held === undefined) continue;
    const near = await judgeNear(coherence, held.entry, read);
    if (near.use !== "serve") continue;
    const stands = standing(near.entry, ctx.now());
    if (stands !== "kept" && stands !== "expired")
      return { entry: near.entry, unreachable: held.unreachable || near.unreachable };
  }
  return undefined;
}

/** @throws {CacheUnavailable} if none of the candidates will do. */
export async function lastResort(
  coherence: Coherence,
  read: Reader,
  candidates: readonly (Held | undefined)[],
  cause: Fault,
): Promise<Lookup> {
  const held = await firstUsable(coherence, read, candidates);
  if (held === undefined) throw new CacheUnavailable(cause);
  return { key: read.key, status: "stale-on-error", ...held, stored: false };
}
