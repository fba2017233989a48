import type { HotKey } from "../../core/metrics.ts";

/** The keys that are asked for most, in bounded space. */
export interface TopKeys {
  add(key: string, count?: number, over?: number): void;
  /** The most frequent first. */
  list(limit: number): readonly HotKey[];
  clear(): void;
}

interface Cell {
  count: number;
  over: number;
}

/**
 * Space-Saving (Metwally, Agrawal, El Abbadi 2005): a key that is not watched takes the place of
 * the rarest, with its count; so a count is too high by at most `over`, and every key that
 * makes up more than 1/capacity of the stream is in the list.
 */
export function createTopKeys(capacity: number): TopKeys {
  const cells = new Map<string, Cell>();

  return {
    add(key, count = 1, over = 0) {
      const cell = cells.get(key);
      if (cell !== undefined) {
        cell.count += count;
        cell.over += over;
        return;
      }
      if (cells.size < capacity) {
        cells.set(key, { count, over });
        return;
      }
      let rarest = "";
      let least = Number.POSITIVE_INFINITY;
      for (const [name, { count: seen }] of cells) {
        if (seen >= least) continue;
        rarest = name;
        least = seen;
        if (least <= 1) break;
      }
      cells.delete(rarest);
      cells.set(key, { count: least + count, over: least + over });
    },

    list: (limit) =>
      [...cells]
        .map(([key, { count, over }]): HotKey => [key, count, over])
        .toSorted((a, b) => b[1] - a[1])
        .slice(0, limit),

    clear: () => cells.clear(),
  };
}
