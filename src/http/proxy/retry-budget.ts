/** Bounds how much load repeated requests add to an origin that fails. */
export interface RetryBudget {
  /** Counts a request that is sent for the first time. */
  earn(): void;
  /** Whether one request may be sent again. */
  spend(): boolean;
}

/** Retries that may follow one another without a success, and what one request adds: a tenth of a retry. */
const MAX_RETRIES = 10;
const PER_REQUEST = 0.1;

/** Creates the budget of one isolate. Repeated requests are at most a tenth of all, and 10 at once. */
export function createRetryBudget(): RetryBudget {
  let left = MAX_RETRIES;
  return {
    earn() {
      left = Math.min(MAX_RETRIES, left + PER_REQUEST);
    },
    spend() {
      if (left < 1) return false;
      left--;
      return true;
    },
  };
}
