/** Sends the messages of an application. */
import type { Context } from "../../core/context.ts";
import { DefinitionError } from "../../core/faults.ts";
import type { Result } from "../../core/result.ts";
import type { ChangeQueue, QueuedChange } from "../behind.ts";
import { createEnvelope, MAX_MESSAGE_BYTES, NAME, type Envelope } from "./envelope.ts";
import { jsonBytes, type QueueCall } from "./queue-call.ts";

/** A message to send, and the pause before its delivery. */
export interface PlannedChange {
  readonly change: QueuedChange;
  readonly delaySeconds: number;
}

export interface Sender extends ChangeQueue {
  /** Sends several messages. After a fault some of them may be in the queue; send all again then. */
  sendAll(messages: readonly PlannedChange[], ctx: Context): Promise<Result<void>>;
}

export function createSender(call: QueueCall): Sender {
  async function sendAll(messages: readonly PlannedChange[], ctx: Context): Promise<Result<void>> {
    const child = ctx.child();
    const startedAt = ctx.now();
    const outgoing = messages.map(({ change, delaySeconds }) => ({
      body: checked(createEnvelope(change, startedAt, child?.carrier)),
      delaySeconds,
    }));
    const result = await call(outgoing);
    const outcome = result.ok ? "ok" : result.fault.code;
    const ms = ctx.now() - startedAt;
    const spanId = child?.spanId ?? "";
    for (const [kind, count] of countKinds(messages))
      ctx.emit({ type: "message.send", kind, count, startedAt, ms, outcome, spanId });
    if (!result.ok) ctx.emit({ type: "fault.raise", fault: result.fault });
    return result;
  }

  return { sendAll, send: (change, ctx) => sendAll([{ change, delaySeconds: 0 }], ctx) };
}

/** Returns the envelope. @throws {DefinitionError} if the queue cannot hold it */
function checked(envelope: Envelope): Envelope {
  for (const field of ["id", "kind"] as const)
    if (!NAME.test(envelope[field]))
      throw new DefinitionError(field, "must have 1 to 200 visible ASCII characters");
  if (jsonBytes(envelope) > MAX_MESSAGE_BYTES)
    throw new DefinitionError("payload", `must be at most ${MAX_MESSAGE_BYTES} bytes of JSON`);
  return envelope;
}

function countKinds(messages: readonly PlannedChange[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { change } of messages) counts.set(change.kind, (counts.get(change.kind) ?? 0) + 1);
  return counts;
}
