/** Makes one call of a model, within its limits, and records what arrives. */
import type { AnswerEnd, CallLimits } from "../core/answers.ts";
import { fault, originFaultOf, type Fault } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";
import { AnswerFault } from "./answer-fault.ts";
import type { Recording } from "./recording.ts";

/**
 * Asks a model once. It gives each piece to `add` and returns how the answer ended. It throws if
 * the answer does not arrive as a whole; an error with a `fault` says why.
 */
export type CallModel<P, I> = (
  add: (piece: P, chars: number) => void,
  signal: AbortSignal,
) => Promise<Extract<AnswerEnd<I>, { readonly kind: "whole" }>>;

/** Calls `call` after `ms` milliseconds. Returns a function that cancels the call. */
export type After = (ms: Millis, call: () => void) => () => void;

/**
 * Records one call. The call ends early if all readers of the recording have left. The recording has an end when the
 * promise resolves. It never rejects.
 */
export async function recordCall<P, I>(
  recording: Recording<P, I>,
  callModel: CallModel<P, I>,
  { firstMs, totalMs, maxChars }: CallLimits,
  after: After,
): Promise<void> {
  const abort = new AbortController();
  const stopped = Promise.withResolvers<never>();
  const stop = (cause: Fault): void => {
    const error = new AnswerFault(cause);
    stopped.reject(error);
    abort.abort(error);
  };
  const late = (ms: Millis) => () =>
    stop(fault("origin.timeout", `the model gave no answer within ${ms} ms`));
  const abandon = (): void => stop(fault("origin.abandoned", "all readers have left"));
  void recording.readers.gone.then(abandon);
  const cancelFirst = after(firstMs, late(firstMs));
  const cancelTotal = after(totalMs, late(totalMs));
  const add = (piece: P, chars: number): void => {
    cancelFirst();
    if (recording.add(piece, chars) || recording.ended !== undefined) return;
    stop(
      fault(
        "origin.rejected",
        `the answer has more than ${maxChars} characters, or the running answers have too many`,
      ),
    );
  };
  try {
    // The model's code may ignore the signal, so the wait ends without it.
    recording.end(await Promise.race([callModel(add, abort.signal), stopped.promise]));
  } catch (error) {
    recording.end({ kind: "failed", fault: originFaultOf(error) });
  } finally {
    cancelFirst();
    cancelTotal();
    stopped.promise.catch(() => undefined);
  }
}
