/** Stale-if-error: chooses the entry that answers a read whose load has failed (RFC 5861, section 4). */
import { CacheUnavailable, DefinitionError, type Fault } from "../core/faults.ts";
import type { Lookup } from "../core/lookup.ts";
import type { LookupRequest, Read, StaleEntry } from "./lookup-request.ts";
import type { Validator } from "./validator.ts";

type StaleReader = Read & Pick<LookupRequest, "freshnessOf">;

/** It is validated anew, so the instant at which it was current does not matter. */
type Candidate = Pick<StaleEntry, "entry" | "unreachable">;

/** A stale entry that may answer this read. */
export interface ServableEntry extends StaleEntry {
  /** An unconfirmed write may have changed the value. */
  readonly unconfirmed: boolean;
}

/**
 * Returns the first candidate that may answer this read, or undefined. `hasFailed` says whether the
 * load of the read has failed, or only takes long. Each candidate is validated
 * for this read, because it may have been invalidated during the load, or a lookup that began long
 * before this read may have found it.
 */
export async function firstServable(
  validator: Validator,
  read: StaleReader,
  candidates: readonly (Candidate | undefined)[],
  hasFailed: boolean,
): Promise<ServableEntry | undefined> {
  for (const candidate of candidates) {
    if (candidate === undefined) continue;
    const validation = await validator.decide(candidate.entry, read);
    if (validation.use !== "serve" || (validation.onlyIfLoadFails && !hasFailed)) continue;
    const { entry, currentAt, unconfirmed } = validation;
    const freshness = read.freshnessOf(entry, read.ctx.now());
    if (freshness !== "kept" && freshness !== "expired")
      return {
        entry,
        unreachable: candidate.unreachable || validation.unreachable,
        unconfirmed,
        currentAt,
      };
  }
  return undefined;
}

/**
 * Answers with a stale entry.
 *
 * @throws {CacheUnavailable} if no candidate may answer this read.
 * @throws {DefinitionError} if the load failed by a mistake of the program. A stale entry would hide it.
 */
export async function serveStaleOnError(
  validator: Validator,
  read: StaleReader,
  candidates: readonly (Candidate | undefined)[],
  cause: Fault,
): Promise<Lookup> {
  if (cause.code === "origin.corrupt") throw new DefinitionError("loader", cause.message);
  const staleEntry = await firstServable(validator, read, candidates, true);
  if (staleEntry === undefined) throw new CacheUnavailable(cause);
  return { key: read.key, status: "stale-on-error", ...staleEntry, stored: false };
}
