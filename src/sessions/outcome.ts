import type { Result } from "../core/result.ts";
import { SessionsUnavailable } from "../core/sessions.ts";

/** Returns how an operation on sessions ended, for metrics. */
export function outcomeOf(result: Result<unknown>): string {
  if (!result.ok) return result.fault.code;
  return result.value === undefined || result.value === false ? "none" : "ok";
}

/** Returns the value of a result. @throws {SessionsUnavailable} if the operation failed */
export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new SessionsUnavailable(result.fault);
  return result.value;
}
