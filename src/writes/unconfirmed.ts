import type { Fault } from "../core/faults.ts";

/** Whether the origin answered that it changed nothing. After any other failure the change may have been made. */
export function isRejection(cause: Fault): boolean {
  return cause.code === "origin.rejected";
}

/**
 * Thrown by a write whose commit was not confirmed, so that it may or may not have been made. The
 * entries were invalidated in any case; the caller must read before it writes again.
 */
export class WriteUnconfirmed extends Error {
  /** The failure of the commit. */
  readonly fault: Fault;
  constructor(cause: Fault) {
    super(`the write was not confirmed: ${cause.code}: ${cause.message}`);
    this.name = "WriteUnconfirmed";
    this.fault = cause;
  }
}
