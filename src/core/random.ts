/** A number in [0, 1). */
export type Random = () => number;

/** A unique, unguessable string: names of eras, leases and flights. */
export type NewId = () => string;
