import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import { done, failed } from "../core/faults.ts";
import type { GroupAnswer, GroupNumber, LogGroups } from "../core/log-groups.ts";
import type { Result } from "../core/result.ts";
import type { Millis } from "../core/time.ts";
import type { GroupCommitRpc } from "./region-log.ts";

export interface LogGroupsPortOptions {
  /**
   * Creates a stub for the object with this name, near the region. Each call creates a new stub,
   * because a stub cannot be used again after an error.
   */
  readonly stub: (name: string, region: string) => GroupCommitRpc;
  readonly namespace: string;
  /** Whether each region has an object of its own, or all share one. */
  readonly scope: "region" | "global";
  /** The longest wait for an answer of the object. */
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** Implements `LogGroups` with calls of a RegionLog object. */
export function createLogGroupsPort(options: LogGroupsPortOptions): LogGroups {
  const { stub, namespace, scope, timeoutMs, withTimeout } = options;
  return {
    async invalidate(logKeys, ctx) {
      const startedAt = ctx.now();
      const name = scope === "region" ? `${namespace}-groups-${ctx.region}` : `${namespace}-groups`;
      let result: Result<GroupNumber>;
      try {
        const call = stub(name, ctx.region).invalidate(namespace, logKeys);
        result = resultOf(await withTimeout(call, timeoutMs));
      } catch (error) {
        result = isDeadlineExceeded(error)
          ? failed("log.timeout", "the log object did not answer in time")
          : failed("log.unavailable", "the log object cannot be reached");
      }
      ctx.emit({
        type: "durable.end",
        method: "RegionLog/invalidate",
        startedAt,
        ms: ctx.now() - startedAt,
        outcome: result.ok ? "ok" : result.fault.code,
        spanId: "",
      });
      return result;
    },
  };
}

/** The faults of an object that answers. The breaker counts only `log.unavailable`. */
const REFUSALS = {
  full: ["log.rejected", "the log object holds too many invalidations"],
  refused: ["log.rejected", "the log object refused the log keys"],
  failed: ["log.unavailable", "Redis did not answer the log object"],
} as const;

function resultOf(answer: GroupAnswer): Result<GroupNumber> {
  if (typeof answer !== "string") return done(answer);
  const [code, message] = REFUSALS[answer];
  return failed(code, message);
}
