/** A number of the invalidation log. It is close to Redis' time in microseconds, and each number is higher than the one before. */
export type Seq = number;
/** The random name of one life of the log. A new era means that the log was lost. */
export type Era = string;
