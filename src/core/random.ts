/** A number in [0, 1). */
export type Random = () => number;

/** Makes a unique text that cannot be guessed, for eras, leases and flights. */
export type NewId = () => string;
