import { fault, messageOf, type Fault, type FaultCode } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";

/**
 * A failure of the origin, with the fault that describes it.
 *
 * - `origin.rejected`: it answered that it did nothing, and why (`sqlState`)
 * - `origin.timeout`, `origin.unavailable`: no usable answer; whether a write was done is unknown
 */
export class OriginFault extends Error {
  readonly fault: Fault;
  /** Of a rejection: Postgres' code and, where one was violated, the constraint. */
  readonly sqlState: string | undefined;
  readonly constraint: string | undefined;

  constructor(fault: Fault, rejection?: { sqlState: string; constraint: string | undefined }) {
    super(`${fault.code}: ${fault.message}`);
    this.name = "OriginFault";
    this.fault = fault;
    this.sqlState = rejection?.sqlState;
    this.constraint = rejection?.constraint;
  }
}

/** When to ask again after a failure that says nothing about it. */
const RETRY_AFTER_MS: Millis = 1_000;

export function originFault(code: FaultCode, message: string, retryAfterMs = RETRY_AFTER_MS) {
  return new OriginFault(fault(code, message, retryAfterMs));
}

/**
 * Classes of SQLSTATE that speak of the server's condition, not of the statement:
 * no connection, wrong credentials or database, no resources, shutting down, broken.
 * 40003: it does not know itself whether the statement was completed.
 *
 * @see https://www.postgresql.org/docs/17/errcodes-appendix.html
 */
const CONDITIONS = ["08", "28", "3D", "40003", "53", "57", "58", "F0", "XX"];

/** Deadlocks and serialization failures: rolled back, and worth another try. */
const ROLLBACK = "40";

/** The class of errors that name identifiers of the program, never values of users. */
const PROGRAM_ERROR = "42";

/** The fault inside whatever the driver threw. Repeats no value and no connection string. */
export function toOriginFault(error: unknown): OriginFault {
  for (const cause of causesOf(error)) {
    if (cause instanceof OriginFault) return cause;
    const sqlState = textOf(cause, "code");
    if (sqlState !== undefined && /^[0-9A-Z]{5}$/.test(sqlState)) return ofState(cause, sqlState);
  }
  return originFault("origin.unavailable", "the answer could not be understood");
}

function ofState(error: Error, sqlState: string): OriginFault {
  const state = `SQLSTATE ${sqlState}`;
  if (CONDITIONS.some((prefix) => sqlState.startsWith(prefix)))
    return originFault("origin.unavailable", state);
  const constraint = textOf(error, "constraint");
  const about = constraint === undefined ? state : `${state} (${constraint})`;
  const message = sqlState.startsWith(PROGRAM_ERROR) ? `${about}: ${messageOf(error)}` : about;
  const retryAfterMs = sqlState.startsWith(ROLLBACK) ? RETRY_AFTER_MS : undefined;
  return new OriginFault(fault("origin.rejected", message, retryAfterMs), { sqlState, constraint });
}

/** The error and what it wraps: drizzle uses `cause`, Neon's driver `sourceError`. */
function* causesOf(error: unknown): Generator<Error> {
  let at = error;
  for (let depth = 0; depth < 8 && at instanceof Error; depth++) {
    yield at;
    at = at.cause ?? ("sourceError" in at ? at.sourceError : undefined);
  }
}

function textOf(error: Error, field: string): string | undefined {
  const value: unknown = Reflect.get(error, field);
  return typeof value === "string" && value !== "" ? value : undefined;
}
