import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import type { Resolved } from "./coalescer.ts";
import type { LookupRequest, StaleEntry } from "./lookup-request.ts";
import { firstServable } from "./stale-if-error.ts";
import type { Validator } from "./validator.ts";

type Resolve = (request: LookupRequest) => Promise<Resolved>;

/** Applies the soft timeout of the policy. After it, a caller gets a stale entry while the lookup continues. */
export type WithSoftTimeout = (
  resolve: Resolve,
) => (request: LookupRequest) => Promise<Resolved | StaleEntry>;

export function createSoftTimeout(validator: Validator, withTimeout: WithTimeout): WithSoftTimeout {
  return (resolve) => async (request) => {
    const { softTimeoutMs } = request.policy;
    if (softTimeoutMs === undefined) return resolve(request);
    const found = Promise.withResolvers<StaleEntry>();
    const resolving = resolve({ ...request, onStaleEntry: found.resolve });
    try {
      return await withTimeout(resolving, softTimeoutMs);
    } catch (error) {
      if (!isDeadlineExceeded(error)) throw error;
    }
    const { staleEntry, unverified } = request;
    const own = [staleEntry, unverified && { entry: unverified, unreachable: false }];
    const late =
      (await firstServable(validator, request, own)) ??
      (await Promise.race([resolving, found.promise]));
    if ("outcome" in late) return late;
    return (await firstServable(validator, request, [late])) ?? resolving;
  };
}
