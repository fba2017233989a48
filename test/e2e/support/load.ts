import { setTimeout as pause } from "node:timers/promises";
import { send } from "./client.ts";
import { wrongness, type Shop } from "./shop.ts";

export interface LoadOptions {
  readonly urls: readonly string[];
  readonly shop: Shop;
  /** Requests per second over all instances. They do not wait for earlier answers. */
  readonly perSecond: number;
  readonly forMs: number;
  /** The path of the n-th request. */
  readonly path: (n: number) => string;
}

export interface Report {
  readonly sent: number;
  /** The number of answers by status; "none" if the connection ended without one. */
  readonly statuses: Readonly<Record<string, number>>;
  /** The number of answers by X-Cache-Status. */
  readonly sources: Readonly<Record<string, number>>;
  readonly medianMs: number;
  readonly slowestMs: number;
  /** The shortest time until a 503; undefined if there was none. */
  readonly soonest503Ms?: number;
  /** Wrong answers, with the first few of each kind. */
  readonly wrong: readonly string[];
}

const TICK_MS = 20;

/**
 * Sends requests of many clients at a steady rate. Clients do not wait for each other, so a hanging
 * dependency gets as many requests as a healthy one. Resolves when all are answered.
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

/** The number of clients that keeps every core busy, and how long they run. */
const CALIBRATION = { clients: 16, forMs: 700, share: 1 / 4, least: 20, most: 200 };

/**
 * Measures how many requests per second this machine can bear now: a share of what it answers from
 * memory. Afterwards the resources of `path` are in memory.
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

/** Chooses a client for a request, so that no client sends more than 50 requests. */
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
