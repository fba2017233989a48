/** The order of recommendations. */

/** A product that can be recommended. Its views and its price are as old as the entry that holds it. */
export interface Candidate {
  readonly id: number;
  readonly priceCents: number;
  readonly views: number;
}

/**
 * Chooses at most `limit` products and returns their ids. The lists take turns, so that a list of
 * much viewed products leaves room for the others. In each list the most viewed product comes first,
 * and of products with as many views the one with the nearest price.
 */
export function chooseCandidates(
  product: Pick<Candidate, "id" | "priceCents">,
  lists: readonly (readonly Candidate[])[],
  limit: number,
): number[] {
  const distance = ({ priceCents }: Candidate) => Math.abs(priceCents - product.priceCents);
  const ranked = lists.map((list) =>
    list
      .filter(({ id }) => id !== product.id)
      .toSorted((a, b) => b.views - a.views || distance(a) - distance(b) || a.id - b.id),
  );
  const chosen = new Set<number>();
  const longest = Math.max(0, ...ranked.map(({ length }) => length));
  for (let place = 0; place < longest; place++)
    for (const list of ranked) {
      const id = list[place]?.id;
      if (id === undefined) continue;
      chosen.add(id);
      if (chosen.size === limit) return [...chosen];
    }
  return [...chosen];
}
