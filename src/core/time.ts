/** Milliseconds since the Unix epoch. */
export type EpochMs = number;
/** A span of time in milliseconds. */
export type Millis = number;
/** The current time. Only the composition root holds the platform's clock. */
export type Clock = () => EpochMs;
