import { fault, type Fault, type FaultCode } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";

/** An answer that did not arrive as a whole. The message holds no secret and no text of a client. */
export class AnswerFault extends Error {
  readonly fault: Fault;
  constructor(cause: Fault) {
    super(`${cause.code}: ${cause.message}`);
    this.name = "AnswerFault";
    this.fault = cause;
  }
}

export function answerFault(code: FaultCode, message: string, retryAfterMs?: Millis): AnswerFault {
  return new AnswerFault(fault(code, message, retryAfterMs));
}

/** The answer ended too early. It is the same fault for every place of the cut. */
export function cutOff(): AnswerFault {
  return answerFault("origin.unavailable", "the answer of the model was cut off");
}
