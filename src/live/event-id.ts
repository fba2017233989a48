/**
 * The ids of events as clients see them: `<epoch>-<number>`. The number is the id of the event's row
 * in the database. The epoch names one life of the topic's log: numbers of two epochs cannot be compared.
 */
export interface EventId {
  readonly epoch: string;
  readonly number: number;
}

const PATTERN = /^([0-9a-f]{12})-(0|[1-9]\d{0,15})$/;

/** Reads the id that a client sends. Returns undefined if the topic cannot have sent it. */
export function parseEventId(text: string): EventId | undefined {
  const [, epoch, digits] = PATTERN.exec(text) ?? [];
  if (epoch === undefined || digits === undefined) return undefined;
  const number = Number(digits);
  return Number.isSafeInteger(number) ? { epoch, number } : undefined;
}

export function formatEventId({ epoch, number }: EventId): string {
  return `${epoch}-${number}`;
}

/** Makes the name of an epoch from a random UUID. */
export function epochOf(uuid: string): string {
  return uuid.replaceAll("-", "").slice(0, 12);
}
