/** A number of the invalidation log: near the microseconds of Redis' clock, and strictly rising. */
export type Seq = number;
/** The random name of one life of the log. A new era means that the log was lost. */
export type Era = string;
