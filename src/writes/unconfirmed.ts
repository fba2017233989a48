import type { Fault } from "../core/faults.ts";

/** True if the origin answered that it did nothing. Any other failure leaves that open. */
export function isRejection(cause: Fault): boolean {
  return cause.code === "origin.rejected";
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
