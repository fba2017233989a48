import type { Breaker } from "../core/breaker.ts";
import type { LogGroups } from "../core/log-groups.ts";

/** Puts groups behind a breaker, so that a log object that fails does not cost each write its deadline. */
export function withGroupsBreaker(groups: LogGroups, breaker: Breaker): LogGroups {
  return { invalidate: (logKeys, ctx) => breaker.run(() => groups.invalidate(logKeys, ctx)) };
}
