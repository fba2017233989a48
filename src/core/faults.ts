import { isDeadlineExceeded } from "./deadline.ts";
import type { Millis } from "./time.ts";

/** The dependencies of Strata. The code of a fault begins with the dependency that failed. */
export type Dependency =
  | "memory"
  | "edge"
  | "redis"
  /** The shared store in Durable Objects. */
  | "store"
  | "log"
  | "flight"
  | "origin"
  | "queue"
  | "live";

export type FaultCode =
  | "background.failed"
  | "origin.abandoned"
  | `${Dependency}.timeout`
  | `${Dependency}.unavailable`
  | `${Dependency}.rejected`
  | `${Dependency}.corrupt`
  | `${Dependency}.open`
  | `${Dependency}.saturated`;

/**
 * A failure of a dependency, as a value. A fault is recorded and leads to a miss or a 503. It is
 * never thrown. docs/failure-modes.md lists the codes.
 */
export interface Fault {
  /** The dependency and the kind of failure, such as `redis.timeout`. */
  readonly code: FaultCode;
  /** A message for operators. It contains no secret and no stored value. */
  readonly message: string;
  /** The time after which a client may try again. Undefined if it is not known. */
  readonly retryAfterMs?: Millis;
}

export function fault(code: FaultCode, message: string, retryAfterMs?: Millis): Fault {
  return retryAfterMs === undefined ? { code, message } : { code, message, retryAfterMs };
}

/** Returns a failed result. */
export function failed(code: FaultCode, message: string): { ok: false; fault: Fault } {
  return { ok: false, fault: fault(code, message) };
}

/** Returns a successful result. */
export function done<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

/**
 * Returns the message of any thrown value as one line of at most 200 characters.
 *
 * @example
 * try {
 *   await c.var.strata.cache.read(key("user", 1), definePolicy({ freshFor: "1m" }), async () => 1);
 * } catch (error) {
 *   console.error(messageOf(error));
 * }
 */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replaceAll(/\s+/g, " ").slice(0, 200);
}

/**
 * Returns the fault of an error that a load threw: the error's own fault if it has one, else a
 * general one. A mistake of the program is `origin.corrupt`.
 */
export function originFaultOf(error: unknown): Fault {
  if (isDeadlineExceeded(error)) return fault("origin.timeout", error.message);
  if (error instanceof DefinitionError) return fault("origin.corrupt", error.message);
  if (error instanceof Error && "fault" in error && isFault(error.fault)) return error.fault;
  return fault("origin.unavailable", messageOf(error));
}

function isFault(value: unknown): value is Fault {
  return typeof value === "object" && value !== null && "code" in value && "message" in value;
}

/** Thrown by `cache.read` if no tier may serve a value and the load failed. */
export class CacheUnavailable extends Error {
  /** The failure of the load. */
  readonly fault: Fault;
  constructor(cause: Fault) {
    super(`${cause.code}: ${cause.message}`);
    this.name = "CacheUnavailable";
    this.fault = cause;
  }
}

/** Thrown for an invalid policy, key, tag or option. The program has a mistake; no dependency failed. */
export class DefinitionError extends TypeError {
  /** The field that is wrong. */
  readonly field: string;
  /** A text that says what the field must be. It does not contain the field's name. */
  readonly problem: string;
  constructor(field: string, problem: string) {
    super(`${field}: ${problem}`);
    this.name = "DefinitionError";
    this.field = field;
    this.problem = problem;
  }
}
