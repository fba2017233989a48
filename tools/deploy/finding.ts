/** One result of a check that failed. */
export interface Finding {
  /** The fault. It holds no value of a secret. */
  readonly text: string;
  /** The command that mends it, or the change of a file. */
  readonly mend: string;
}
