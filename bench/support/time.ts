/** How long things take against each other: in turns, so that the machine's moods hit all alike. */

export interface Contender {
  readonly name: string;
  /** One round; returns the number of operations it did. */
  run(): number;
}

/** The median nanoseconds per operation of each, by name. The first round of each warms up. */
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

/** The value below which this share of the list lies. */
export function quantile(list: readonly number[], share: number): number {
  const sorted = [...list].toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
