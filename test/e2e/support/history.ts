/** An acknowledged write. The coherence bound counts from its acknowledgement. */
export interface Acknowledged {
  readonly id: number;
  readonly number: number;
  readonly at: number;
}

/** The value of a product that a read showed, and when the read began. */
export interface Observed {
  readonly id: number;
  readonly number: number;
  readonly at: number;
  /** The instance and tier that answered, for the report of a violation. */
  readonly by: string;
}

export interface Verdict {
  /** Reads that showed an older number than one acknowledged `boundMs` before they began. */
  readonly violations: readonly string[];
  /** The longest time from the acknowledgement of a number to the start of a read that showed an older one. */
  readonly longestMs: number;
}

/**
 * Checks reads against writes. Each product has one writer, whose numbers rise. All times are the
 * clients': a read reached the server no earlier, and an acknowledgement left it no later, so delays
 * of the network cause no violation.
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
    // The first acknowledgement of a newer number than the one shown.
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
