/** One run, with services, data centres and caches of its own: every run starts equally cold. */
import { setTimeout as sleep } from "node:timers/promises";
import { forkServices, type ForkedServices } from "../../dev/services-process.ts";
import { countsOf, setLatency } from "../support/gateways.ts";
import { figuresOf, type Phase, type FiguresBySetup } from "./figures.ts";
import { closeConnections } from "./load.ts";
import { queriesBetween } from "./queries.ts";
import { ADMIN, createReads, type Answers, type Reads } from "./reads.ts";
import { startDataCentre, type DataCentre, type DataCentreOptions } from "./runtime.ts";

export const SQL_MS = 50;
export const REDIS_MS = 1;
const UNCACHED = 300;
const REQUESTS = Number(process.env["REQUESTS"] ?? 20_000);
const ASIDE = Math.ceil(REQUESTS / 10);
/** One request of so many is a write, in the steady part. */
const WRITE_EVERY = 500;
/** Queries after the response have ended by then. */
const SETTLE_MS = 500;

/** The setup that the goals are about. */
export const STEADY = "Strata, steady, with writes";

/** The bundled Workers. */
export interface Scripts {
  readonly strata: string;
  readonly baseline: string;
}

export interface Run {
  readonly setups: FiguresBySetup;
  readonly warmed: string;
}

/** Starts everything for one run, measures the setups one after the other, and stops everything. */
export async function runOnce(scripts: Scripts, seed: number): Promise<Run> {
  const services = await forkServices();
  const centres: DataCentre[] = [];
  const start = async (script: string, options: DataCentreOptions): Promise<DataCentre> => {
    const centre = await startDataCentre(script, options);
    centres.push(centre);
    return centre;
  };
  try {
    const bindings = bindingsOf(services, `bench-${seed}`);
    const cached = { isolates: 2, bindings, objects: true };
    const strata = [await start(scripts.strata, cached), await start(scripts.strata, cached)];
    const plain = { isolates: 1, bindings, objects: false };
    const baseline = await start(scripts.baseline, plain);
    await setLatency(services, "sql", SQL_MS);
    await setLatency(services, "redis", REDIS_MS);
    const isolates = strata.flatMap(({ urls }) => urls);
    return await measure(
      services,
      createReads({ isolates, baseline: baseline.urls[0] ?? "", seed }),
    );
  } finally {
    closeConnections();
    try {
      await Promise.all(centres.map((centre) => centre.close()));
    } finally {
      await services.close();
    }
  }
}

function bindingsOf(services: ForkedServices, namespace: string): Record<string, string> {
  return {
    DATABASE_URL: services.databaseUrl,
    NEON_ENDPOINT: services.sqlEndpoint,
    UPSTASH_REDIS_REST_URL: services.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: services.redisToken,
    ADMIN_TOKEN: ADMIN,
    STRATA_NAMESPACE: namespace,
    STRATA_LOG: "off",
    STRATA_DEV: "1",
  };
}

async function measure(services: ForkedServices, reads: Reads): Promise<Run> {
  async function phase(setup: string, answer: () => Promise<Answers>): Promise<Phase> {
    await sleep(SETTLE_MS);
    const before = await countsOf(services);
    const { samples, writes } = await answer();
    await sleep(SETTLE_MS);
    return { setup, samples, queries: queriesBetween(before, await countsOf(services), writes) };
  }

  await reads.baseline("none", 50);
  const none = await phase("no cache", () => reads.baseline("none", UNCACHED));
  await reads.baseline("aside", ASIDE);
  const aside = await phase("cache-aside, warm", () => reads.baseline("aside", ASIDE));
  const warmed = await reads.warm();
  const filling = await phase("Strata, Redis warmed", () => reads.strata(REQUESTS));
  const steady = await phase(STEADY, () => reads.strata(REQUESTS, WRITE_EVERY));
  const setups = Object.fromEntries(
    [none, aside, filling, steady].map((each) => [each.setup, figuresOf(each, { none, aside })]),
  );
  return { setups, warmed };
}
