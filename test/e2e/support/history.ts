/** A write that was acknowledged: from then on readers are owed its number. */
export interface Acknowledged {
  readonly id: number;
  readonly number: number;
  readonly at: number;
}

/** What a read that began then showed of a product. */
export interface Observed {
  readonly id: number;
  readonly number: number;
  readonly at: number;
  /** Who showed it, for the report of a violation. */
  readonly by: string;
}

export interface Verdict {
  /** Reads of a number older than one that had been acknowledged `boundMs` before they began. */
  readonly violations: readonly string[];
  /** How long after the acknowledgement of a newer number a read still began that showed the older one. */
  readonly longestMs: number;
}

/**
 * Checks reads against writes whose numbers rise with time, one writer a product. The clock is
 * the clients': a read began no earlier than they say and an acknowledgement came no later, so
 * that delays on the way are never held against the server.
 */
export function checkHistory(
  writes: readonly Acknowledged[],
  reads: readonly Observed[],
  boundMs: number,
): Verdict {
  const byProduct = Map.groupBy(writes, ({ id }) => id);
  const violations: string[] = [];
  let longestMs = 0;
  for (const read of reads) {
    // The first acknowledgement of anything newer than what was shown.
    const missed = byProduct.get(read.id)?.find(({ number }) => number > read.number);
    if (missed === undefined) continue;
    const lateMs = read.at - missed.at;
    longestMs = Math.max(longestMs, lateMs);
    if (lateMs > boundMs)
      violations.push(
        `${read.by} showed ${read.number} of product ${read.id} ${lateMs} ms after ${missed.number} was acknowledged`,
      );
  }
  return { violations, longestMs };
}
