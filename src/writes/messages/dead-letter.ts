/** The form of a message in the dead-letter queue. */
import type { EpochMs } from "../../core/time.ts";
import type { Delivery, QueueMessage } from "./deliveries.ts";
import { readEnvelope } from "./envelope.ts";

/** A message that is given up, as it is sent to the dead-letter queue. */
export interface Letter {
  readonly letter: 1;
  readonly id: string;
  readonly kind: string;
  /** The body of the message as it was sent. */
  readonly message: unknown;
  readonly error: string;
  readonly attempts: number;
  readonly firstAt: EpochMs;
  readonly lastAt: EpochMs;
}

/** Makes the letter of a message that the consumer gives up. */
export function deadLetterOf(
  { envelope, attempts }: Delivery,
  error: string,
  now: EpochMs,
): Letter {
  const { id, kind, sentAt } = envelope;
  const times = { firstAt: sentAt, lastAt: now };
  return { letter: 1, id, kind, message: envelope, error, attempts, ...times };
}

/** Makes the letter of a message that is no envelope. */
export function malformedLetterOf(message: QueueMessage, now: EpochMs): Letter {
  return {
    letter: 1,
    id: message.id,
    kind: "",
    message: message.body,
    error: "not a message of this application",
    attempts: message.attempts,
    firstAt: message.timestamp.getTime(),
    lastAt: now,
  };
}

/** Returns the letter in a message of the dead-letter queue. */
export function letterOf(message: QueueMessage, now: EpochMs): Letter {
  const { body } = message;
  if (isLetter(body)) return body;
  // The platform gave the message up, after deliveries whose consumer could not say why they failed.
  const envelope = readEnvelope(body);
  const sentAt = envelope?.sentAt ?? message.timestamp.getTime();
  return {
    letter: 1,
    id: envelope?.id ?? message.id,
    kind: envelope?.kind ?? "",
    message: body,
    error: "the queue gave the message up after its last retry",
    attempts: MAX_PLATFORM_ATTEMPTS,
    firstAt: sentAt,
    lastAt: now,
  };
}

function isLetter(body: unknown): body is Letter {
  if (typeof body !== "object" || body === null) return false;
  const { letter, id, kind, error, attempts, firstAt, lastAt } = body as Partial<Letter>;
  return (
    letter === 1 &&
    [id, kind, error].every((text) => typeof text === "string") &&
    [attempts, firstAt, lastAt].every((number) => Number.isSafeInteger(number))
  );
}

/** `max_retries` of wrangler.toml, and the first delivery. The platform does not tell the number. */
const MAX_PLATFORM_ATTEMPTS = 101;
