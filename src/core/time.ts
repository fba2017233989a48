/** Milliseconds since the Unix epoch. */
export type EpochMs = number;
/** A duration in milliseconds. */
export type Millis = number;
/** Returns the current time. Only the composition root has the platform's clock. */
export type Clock = () => EpochMs;
