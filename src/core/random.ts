/** Returns a random number in [0, 1). */
export type Random = () => number;

/** Creates a unique text that cannot be guessed, for eras, leases and flights. */
export type NewId = () => string;
/** Returns this many bytes of a cryptographic source of randomness. */
export type RandomBytes = (count: number) => Uint8Array<ArrayBuffer>;
