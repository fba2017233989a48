/**
 * Times functions against each other. Rounds alternate, so that load on the machine slows all of
 * them equally.
 */

export interface Contender {
  readonly name: string;
  /** Runs one round, and returns the number of operations in it. */
  run(): number;
}

/**
 * Returns the median nanoseconds per operation of each function, by name. The first round of each
 * is a warm-up.
 */
export function medianNsPerOp(
  contenders: readonly Contender[],
  rounds: number,
): ReadonlyMap<string, number> {
  const times = new Map(contenders.map(({ name }): [string, number[]] => [name, []]));
  for (let round = 0; round <= rounds; round++)
    for (const { name, run } of contenders) {
      const startedAt = process.hrtime.bigint();
      const operations = run();
      const ns = Number(process.hrtime.bigint() - startedAt) / operations;
      if (round > 0) times.get(name)?.push(ns);
    }
  return new Map([...times].map(([name, list]) => [name, median(list)]));
}

export function median(list: readonly number[]): number {
  return quantile(list, 0.5);
}

/** Returns the value below which this share of the list lies. */
export function quantile(list: readonly number[], share: number): number {
  const sorted = [...list].toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Returns the least and the most of a list, as text. */
export function rangeOf(list: readonly number[], digits = 0): string {
  return `${Math.min(...list).toFixed(digits)} to ${Math.max(...list).toFixed(digits)}`;
}
