import { fault, messageOf, type Fault, type FaultCode } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";

/**
 * A failure of the database, with the fault that describes it.
 *
 * - `origin.rejected`: the database refused the statement and changed nothing. `sqlState` has the
 *   reason.
 * - `origin.timeout`, `origin.unavailable`: no usable answer arrived, so a write may have happened.
 * - `origin.open`: the database has failed lately, so the statement was not sent.
 */
export class OriginFault extends Error {
  /** The failure. Its code is one of the codes above. */
  readonly fault: Fault;
  /** The Postgres error code of a refused statement. Undefined for other failures. */
  readonly sqlState: string | undefined;
  /** The constraint that a refused statement violated. Undefined if there is none. */
  readonly constraint: string | undefined;

  constructor(fault: Fault, rejection?: { sqlState: string; constraint: string | undefined }) {
    super(`${fault.code}: ${fault.message}`);
    this.name = "OriginFault";
    this.fault = fault;
    this.sqlState = rejection?.sqlState;
    this.constraint = rejection?.constraint;
  }
}

/** The time after which a client may try again, for failures that do not state a time. */
const RETRY_AFTER_MS: Millis = 1_000;

export function originFault(code: FaultCode, message: string, retryAfterMs = RETRY_AFTER_MS) {
  return new OriginFault(fault(code, message, retryAfterMs));
}

/**
 * Classes of SQLSTATE that describe a problem of the server, not of the statement: no connection,
 * wrong credentials or database, lack of resources, shutdown, or an internal error. With 40003, the
 * server does not know whether the statement was completed.
 *
 * @see https://www.postgresql.org/docs/17/errcodes-appendix.html
 */
const SERVER_CONDITIONS = ["08", "28", "3D", "40003", "53", "57", "58", "F0", "XX"];

/**
 * The class of deadlocks and serialization failures. The transaction was rolled back and may be
 * tried again.
 */
const ROLLBACK = "40";

/**
 * The class of syntax and access errors. Their messages contain names of tables and columns but no
 * values, so they may be logged.
 */
const PROGRAM_ERROR = "42";

/** Converts an error of the driver to an OriginFault, which contains no values and no connection string. */
export function toOriginFault(error: unknown): OriginFault {
  for (const cause of causesOf(error)) {
    if (cause instanceof OriginFault) return cause;
    const sqlState = textOf(cause, "code");
    if (sqlState !== undefined && /^[0-9A-Z]{5}$/.test(sqlState))
      return faultOfState(cause, sqlState);
  }
  return originFault("origin.unavailable", "the database's answer could not be understood");
}

/**
 * Whether an error came neither from the network nor from the database. The program passed something
 * that the driver cannot send, or could not read an answer that is valid JSON. An error of the database may
 * have no SQLSTATE: Neon refuses a project whose quota is used up without one.
 */
export function isMistake(error: unknown): boolean {
  for (const cause of causesOf(error))
    if (
      cause instanceof OriginFault ||
      cause instanceof SyntaxError ||
      cause.name === "NeonDbError"
    )
      return false;
  return true;
}

function faultOfState(error: Error, sqlState: string): OriginFault {
  const state = `SQLSTATE ${sqlState}`;
  if (SERVER_CONDITIONS.some((prefix) => sqlState.startsWith(prefix)))
    return originFault("origin.unavailable", state);
  const constraint = textOf(error, "constraint");
  const about = constraint === undefined ? state : `${state} (${constraint})`;
  const message = sqlState.startsWith(PROGRAM_ERROR) ? `${about}: ${messageOf(error)}` : about;
  const retryAfterMs = sqlState.startsWith(ROLLBACK) ? RETRY_AFTER_MS : undefined;
  return new OriginFault(fault("origin.rejected", message, retryAfterMs), { sqlState, constraint });
}

/**
 * Returns an error and the errors that it wraps, at most 8. drizzle wraps with `cause`, Neon's
 * driver with `sourceError`.
 */
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
