import { checkHistory, type Acknowledged, type Observed } from "../e2e/support/history.ts";
import type { Verdict } from "../e2e/support/history.ts";
import type { Shop } from "./shop.ts";
import { isMarkedAnswer, type Errand } from "./visit.ts";

/** Above every stock of the seed. */
const FIRST_NUMBER = 1_000;

/**
 * Products whose stock is a version number, which rises with each write. The checker compares what
 * reads showed with what had been acknowledged.
 */
export interface Versions {
  readonly ids: readonly number[];
  read(instance: number, id: number): Errand;
  /** Writes the next number of a product that no other client writes at this time. */
  write(instance: number, n: number): Errand;
  /**
   * Judges all answers that are not marked. A read may show an older number than one that was acknowledged
   * at most `boundMs` before it began.
   */
  verdict(boundMs: number): Verdict;
  readonly acknowledged: readonly Acknowledged[];
}

export function createVersions(shop: Shop, ids: readonly number[]): Versions {
  const acknowledged: Acknowledged[] = [];
  const observed: Observed[] = [];
  const busy = new Set<number>();
  let last = FIRST_NUMBER;
  return {
    ids,
    acknowledged,
    read(instance, id) {
      const errand = shop.product(instance, id);
      return {
        ...errand,
        onAnswer(answer) {
          if (answer.status !== 200 || isMarkedAnswer(answer)) return;
          const number = (JSON.parse(answer.body) as { stock: number }).stock;
          const by = `instance ${instance + 1} (${answer.headers["cache-status"]})`;
          observed.push({ id, number, at: answer.startedAt, by });
        },
      };
    },
    write(instance, n) {
      const idle = ids.filter((id) => !busy.has(id));
      const id = idle[n % idle.length];
      if (id === undefined) throw new Error("every product of the trial is being written");
      busy.add(id);
      const number = (last += 1);
      return {
        ...shop.write(instance, "PATCH", `/products/${id}`, { stock: number }),
        onAnswer({ status, endedAt }) {
          if (status === 200) acknowledged.push({ id, number, at: endedAt });
        },
        onEnd: () => void busy.delete(id),
      };
    },
    verdict: (boundMs) =>
      checkHistory(
        acknowledged.toSorted((a, b) => a.at - b.at),
        observed,
        boundMs,
      ),
  };
}
