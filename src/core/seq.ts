/** A number of the log; about the microseconds of the Redis clock, strictly rising. */
export type Seq = number;
/** The random name of one life of the log; another name means that it was lost. */
export type Era = string;
