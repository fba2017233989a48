import type { Fault } from "../core/faults.ts";

/**
 * Returns whether it is certain that nothing changed: the origin said so, or was not asked. After any
 * other failure the change may have been made.
 */
export function changedNothing({ code }: Fault): boolean {
  return code === "origin.rejected" || code === "origin.open";
}

/**
 * The error of a write whose commit was not confirmed, so that the change may or may not have been
 * made. Older entries of the change answer only reads whose load fails, and none once the relay finds
 * that it was made. The caller must read before it writes again.
 */
export class WriteUnconfirmed extends Error {
  /** The fault with which the commit failed. */
  readonly fault: Fault;
  constructor(cause: Fault) {
    super(`the write was not confirmed: ${cause.code}: ${cause.message}`);
    this.name = "WriteUnconfirmed";
    this.fault = cause;
  }
}
