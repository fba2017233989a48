import { setTimeout as pause } from "node:timers/promises";
import { send } from "./client.ts";
import { wrongness, type Shop } from "./shop.ts";

export interface LoadOptions {
  readonly urls: readonly string[];
  readonly shop: Shop;
  /** Requests a second over all instances, sent whether or not earlier ones were answered. */
  readonly perSecond: number;
  readonly forMs: number;
  /** The path of the n-th request. */
  readonly path: (n: number) => string;
}

export interface Report {
  readonly sent: number;
  /** How many answers had which status; "none" where the connection ended without one. */
  readonly statuses: Readonly<Record<string, number>>;
  /** How many answers had which X-Cache-Status. */
  readonly sources: Readonly<Record<string, number>>;
  readonly medianMs: number;
  readonly slowestMs: number;
  /** How long whoever was refused soonest had waited; undefined if nobody was. */
  readonly soonest503Ms?: number;
  /** What no client should see, with the first answers of each kind. */
  readonly wrong: readonly string[];
}

const TICK_MS = 20;

/**
 * Many clients at a steady rate. The clients do not wait for each other, so a hanging
 * dependency meets as many requests as a healthy one. Resolves when all are answered.
 */
export async function runLoad({
  urls,
  shop,
  perSecond,
  forMs,
  path,
}: LoadOptions): Promise<Report> {
  const outcomes: Promise<Outcome>[] = [];
  const begin = performance.now();
  let sent = 0;
  while (performance.now() - begin < forMs) {
    const due = Math.ceil(((performance.now() - begin) / 1_000) * perSecond);
    for (; sent < due; sent++) outcomes.push(one(urls, path(sent), sent, shop));
    await pause(TICK_MS);
  }
  return report(await Promise.all(outcomes));
}

/** As many clients as it takes to keep every core busy, and for how long they do. */
const CALIBRATION = { clients: 16, forMs: 700, share: 1 / 4, least: 20, most: 200 };

/**
 * How many requests a second are a load, and not an overload, on this machine as busy as it is:
 * a share of what it can answer from memory. Leaves what `path` names in memory.
 */
export async function steadyRate(
  urls: readonly string[],
  shop: Shop,
  path: (n: number) => string,
): Promise<number> {
  const { clients, forMs, share, least, most } = CALIBRATION;
  const begin = performance.now();
  let sent = 0;
  const client = async (): Promise<void> => {
    while (performance.now() - begin < forMs) {
      const n = sent++;
      await one(urls, path(n), n, shop);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  generation++;
  const capacity = (sent / (performance.now() - begin)) * 1_000;
  return Math.round(Math.min(most, Math.max(least, capacity * share)));
}

interface Outcome {
  readonly path: string;
  readonly status: string;
  readonly source: string;
  readonly ms: number;
  readonly wrong: string | undefined;
}

async function one(urls: readonly string[], path: string, n: number, shop: Shop): Promise<Outcome> {
  const startedAt = performance.now();
  try {
    const answer = await send(urls[n % urls.length] ?? "", path, { headers: addressOf(n) });
    return {
      path,
      status: String(answer.status),
      source: answer.headers["x-cache-status"] ?? "-",
      ms: performance.now() - startedAt,
      wrong: wrongness(answer, path, shop),
    };
  } catch (error) {
    const ms = performance.now() - startedAt;
    return { path, status: "none", source: "-", ms, wrong: `no answer: ${String(error)}` };
  }
}

/** Half a hundred requests a minute a client: as many people as it takes. */
function addressOf(n: number): Record<string, string> {
  const client = Math.floor(n / 50) + generation * 4_096;
  return {
    "CF-Connecting-IP": `10.${(client >> 16) & 255}.${(client >> 8) & 255}.${client & 255}`,
  };
}
let generation = 0;

function report(outcomes: readonly Outcome[]): Report {
  generation++;
  const times = outcomes.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const refused = outcomes.filter(({ status }) => status === "503").map(({ ms }) => ms);
  const wrong = new Map<string, string>();
  for (const outcome of outcomes)
    if (outcome.wrong !== undefined && wrong.size < 10)
      wrong.set(`${outcome.status} ${outcome.wrong}`, outcome.path);
  return {
    sent: outcomes.length,
    statuses: tally(outcomes.map(({ status }) => status)),
    sources: tally(outcomes.map(({ source }) => source)),
    medianMs: Math.round(times[Math.floor(times.length / 2)] ?? 0),
    slowestMs: Math.round(times.at(-1) ?? 0),
    ...(refused.length > 0 && { soonest503Ms: Math.round(Math.min(...refused)) }),
    wrong: [...wrong].map(([what, path]) => `${path}: ${what}`),
  };
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
