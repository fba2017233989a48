/** The requests of a run: reads of products by Zipf, writes of their stock, and the warm-up. */
import { createDice } from "../support/dice.ts";
import { createZipf } from "../support/zipf.ts";
import { ask, closedLoop, type Answer } from "./load.ts";

export const PRODUCTS = 2_000;
export const EXPONENT = 0.99;
/** Number of requests in flight at a time. */
export const WIDTH = 1;
export const ADMIN = "bench-admin-token-0123456789";
const AS_ADMIN = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };

export interface Sample {
  readonly from: string;
  readonly ms: number;
}

/** The answers of a part of the load. */
export interface Answers {
  readonly samples: readonly Sample[];
  readonly writes: number;
}

export interface Reads {
  /** Sends requests to any isolate of Strata. With `writeEvery`, each request of that number is a write. */
  strata(count: number, writeEvery?: number): Promise<Answers>;
  /** Sends reads to the baseline. */
  baseline(cache: "none" | "aside", count: number): Promise<Answers>;
  /** Warms Redis as after a deployment. The nearer tiers fill on use. Returns the report of the warm-up. */
  warm(): Promise<string>;
}

export interface ReadsOptions {
  /** The isolates of Strata. */
  readonly isolates: readonly string[];
  readonly baseline: string;
  readonly seed: number;
}

export function createReads({ isolates, baseline, seed }: ReadsOptions): Reads {
  const dice = createDice(seed);
  const product = createZipf(PRODUCTS, EXPONENT, dice);
  const anyIsolate = (): string => isolates[Math.floor(dice() * isolates.length)] ?? "";

  async function write(id: number, at: number): Promise<void> {
    const init = { method: "PATCH", headers: AS_ADMIN, body: JSON.stringify({ stock: at }) };
    const { status } = await ask(`${anyIsolate()}/products/${id}/stock`, at, init);
    if (status !== 200) throw new Error(`a write answered ${status}`);
  }

  return {
    async strata(count, writeEvery) {
      const samples: Sample[] = [];
      let writes = 0;
      await closedLoop(count, WIDTH, async (at) => {
        const id = product() + 1;
        if (writeEvery !== undefined && at % writeEvery === writeEvery - 1) {
          writes++;
          return write(id, at);
        }
        const answer = await ask(`${anyIsolate()}/products/${id}`, at);
        samples.push({ from: tierOf(answer), ms: answer.ms });
      });
      return { samples, writes };
    },

    async baseline(cache, count) {
      const samples: Sample[] = [];
      await closedLoop(count, WIDTH, async (at) => {
        const { status, headers, ms } = await ask(`${baseline}/${cache}/${product() + 1}`, at);
        if (status !== 200) throw new Error(`${cache}: status ${status}`);
        samples.push({ from: String(headers["x-from"] ?? "origin"), ms });
      });
      return { samples, writes: 0 };
    },

    async warm() {
      const startedAt = performance.now();
      const response = await fetch(`${isolates[0]}/admin/warm`, {
        method: "POST",
        headers: AS_ADMIN,
        body: JSON.stringify({ kind: "products" }),
      });
      const last = (await response.text()).trim().split("\n").at(-1) ?? "";
      return `${last} in ${Math.round(performance.now() - startedAt)} ms`;
    },
  };
}

/** Returns the tier that answered: `detail=` of a hit, or the origin for a forwarded request. */
function tierOf({ status, headers }: Answer): string {
  if (status !== 200) throw new Error(`status ${status}`);
  const said = String(headers["cache-status"] ?? "");
  if (/\bfwd=/.test(said) && !/\bhit\b/.test(said)) return "origin";
  return /detail=(\w+)/.exec(said)?.[1] ?? "origin";
}
