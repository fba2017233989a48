import { isDeadlineExceeded } from "./deadline.ts";
import type { Millis } from "./time.ts";

/** The things Strata depends on; a fault names the one that failed. */
export type Dependency = "memory" | "edge" | "redis" | "flight" | "origin";

export type FaultCode =
  | "background.failed"
  | `${Dependency}.timeout`
  | `${Dependency}.unavailable`
  | `${Dependency}.rejected`
  | `${Dependency}.corrupt`
  | `${Dependency}.open`
  | `${Dependency}.saturated`;

/** A failure of something outside. Recorded, and turned into a miss or a 503; never thrown. */
export interface Fault {
  readonly code: FaultCode;
  /** For operators. Holds no secret and no value. */
  readonly message: string;
  readonly retryAfterMs?: Millis;
}

export function fault(code: FaultCode, message: string, retryAfterMs?: Millis): Fault {
  return retryAfterMs === undefined ? { code, message } : { code, message, retryAfterMs };
}

export function failed(code: FaultCode, message: string): { ok: false; fault: Fault } {
  return { ok: false, fault: fault(code, message) };
}

export function done<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

/** The text of an unknown error, one line, bounded. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replaceAll(/\s+/g, " ").slice(0, 200);
}

/** The fault of a load that threw: its own, if the loader's error carries one. */
export function originFaultOf(error: unknown): Fault {
  if (isDeadlineExceeded(error)) return fault("origin.timeout", error.message);
  if (error instanceof Error && "fault" in error && isFault(error.fault)) return error.fault;
  return fault("origin.unavailable", messageOf(error));
}

function isFault(value: unknown): value is Fault {
  return typeof value === "object" && value !== null && "code" in value && "message" in value;
}

/** Thrown by `cache.read` when a value can be had from nowhere. */
export class CacheUnavailable extends Error {
  readonly fault: Fault;
  constructor(cause: Fault) {
    super(`${cause.code}: ${cause.message}`);
    this.name = "CacheUnavailable";
    this.fault = cause;
  }
}

/** Thrown where a policy, a key or a tag is defined wrongly: a mistake of the developer. */
export class DefinitionError extends TypeError {
  readonly field: string;
  /** What is wrong with the field, without its name. */
  readonly problem: string;
  constructor(field: string, problem: string) {
    super(`${field}: ${problem}`);
    this.name = "DefinitionError";
    this.field = field;
    this.problem = problem;
  }
}
