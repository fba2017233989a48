import type { LogGroups } from "../core/log-groups.ts";
import type { Breaker } from "./breaker.ts";

/** Puts groups behind a breaker, so that a log object that fails does not cost each write its deadline. */
export function withGroupsBreaker(groups: LogGroups, breaker: Breaker): LogGroups {
  return {
    invalidate: (logKeys, ctx) => breaker.run(ctx.now, () => groups.invalidate(logKeys, ctx)),
  };
}
