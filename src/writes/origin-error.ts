import { fault, messageOf, type Fault } from "../core/faults.ts";

/** The fault of a failed request to the origin; its errors carry their own. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Error && "fault" in error && isFault(error.fault)) return error.fault;
  return fault("origin.unavailable", messageOf(error));
}

/** True if the origin answered that it did nothing. Any other failure leaves that open. */
export function isRejection(cause: Fault): boolean {
  return cause.code === "origin.rejected";
}

function isFault(value: unknown): value is Fault {
  return typeof value === "object" && value !== null && "code" in value && "message" in value;
}

/**
 * Thrown by a write whose commit was not confirmed: it may or may not have happened.
 * Readers are safe either way; the caller must read before it writes again.
 */
export class WriteUnconfirmed extends Error {
  readonly fault: Fault;
  constructor(cause: Fault) {
    super(`the write was not confirmed: ${cause.code}: ${cause.message}`);
    this.name = "WriteUnconfirmed";
    this.fault = cause;
  }
}
