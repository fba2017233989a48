import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import type { Coalescer, Resolved, RunLookup } from "./coalescer.ts";
import type { LookupRequest, StaleEntry } from "./lookup-request.ts";
import { firstServable } from "./stale-if-error.ts";
import type { Validator } from "./validator.ts";

/** Returns the outcome of a lookup, or a stale entry if the soft timeout of the policy passes first. */
export type ResolveSoon = (
  request: LookupRequest,
  run: RunLookup,
) => Promise<Resolved | StaleEntry>;

/** Applies the soft timeout of the policy. After it, a caller gets a stale entry while the lookup continues. */
export function createSoftTimeout(
  resolve: Coalescer["resolve"],
  validator: Validator,
  withTimeout: WithTimeout,
): ResolveSoon {
  return async (request, run) => {
    const { softTimeoutMs } = request.policy;
    if (softTimeoutMs === undefined) return resolve(request, run);
    const found = Promise.withResolvers<StaleEntry>();
    const resolving = resolve({ ...request, onStaleEntry: found.resolve }, run);
    try {
      return await withTimeout(resolving, softTimeoutMs);
    } catch (error) {
      if (!isDeadlineExceeded(error)) throw error;
    }
    const { staleEntry, unverified } = request;
    const own = [staleEntry, unverified && { entry: unverified, unreachable: false }];
    const late =
      (await firstServable(validator, request, own, false)) ??
      (await Promise.race([resolving, found.promise]));
    if ("outcome" in late) return late;
    return (await firstServable(validator, request, [late], false)) ?? resolving;
  };
}
