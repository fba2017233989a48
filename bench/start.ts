/**
 * Measures the processor time of workerd from its start to the first answer of a Worker. STARTS sets
 * how often each Worker starts; starts of all Workers alternate. BASE names another checkout that is
 * measured in the same run. It needs Linux.
 */
import { resolve } from "node:path";
import { unstable_getMiniflareWorkerOptions as optionsOf } from "wrangler";
import { bundle } from "../dev/bundle.ts";
import { forkServices } from "../dev/services-process.ts";
import { firstAnswer, type StartedWorker } from "./start/workerd.ts";
import { save, show } from "./support/report.ts";
import { median } from "./support/time.ts";

const STARTS = Number(process.env["STARTS"] ?? 9);
const BASE = process.env["BASE"];
const EMPTY = "export default { fetch: () => new Response('empty') };";
/** Ids of products that only the first start of one Worker loads. */
const FIRST_ID = 100;

interface Subject {
  readonly worker: string;
  readonly request: string;
  readonly start: StartedWorker;
  readonly pathOf: (start: number) => string;
  readonly isRight: (status: number, headers: Headers) => boolean;
  readonly cpuMs: number[];
}

const services = await forkServices();
const bindings = {
  DATABASE_URL: services.databaseUrl,
  NEON_ENDPOINT: services.sqlEndpoint,
  UPSTASH_REDIS_REST_URL: services.redisUrl,
  UPSTASH_REDIS_REST_TOKEN: services.redisToken,
  STRATA_LOG: "off",
};
const plain = { bindings: {}, objects: {}, compatibilityFlags: [] };

/** The part of a wrangler configuration that this benchmark reads. */
interface Settings {
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly durableObjects: Readonly<Record<string, { readonly className: string }>>;
}
const settingsOf = (config: string): Settings =>
  optionsOf(config).workerOptions as unknown as Settings;

function api(script: string, config: string): StartedWorker {
  const { compatibilityDate, compatibilityFlags, durableObjects } = settingsOf(config);
  const objects = Object.fromEntries(
    Object.entries(durableObjects).map(([name, { className }]) => [name, className]),
  );
  return { script, bindings, objects, compatibilityDate, compatibilityFlags };
}

let nextId = FIRST_ID;
/** The requests of the reference API: none of its data, an entry in Redis, and a load. */
function subjectsOf(worker: string, start: StartedWorker): Subject[] {
  const sourceOf = (headers: Headers): string => headers.get("Cache-Status") ?? "";
  return [
    {
      worker,
      request: "unknown path",
      start,
      pathOf: () => "/nothing",
      isRight: (status) => status === 404,
      cpuMs: [],
    },
    {
      worker,
      request: "hit in Redis",
      start,
      pathOf: () => "/products/42",
      isRight: (status, headers) => status === 200 && !sourceOf(headers).includes("fwd="),
      cpuMs: [],
    },
    {
      worker,
      request: "load from Postgres",
      start,
      pathOf: () => `/products/${nextId++}`,
      isRight: (status, headers) => status === 200 && sourceOf(headers).includes("fwd="),
      cpuMs: [],
    },
  ];
}

const { compatibilityDate } = settingsOf("wrangler.toml");
const bare = { ...plain, compatibilityDate };
const root = process.cwd();
const now = api(bundle("wrangler.toml", root), "wrangler.toml");
const always = (status: number): boolean => status === 200;
const subjects: Subject[] = [
  {
    worker: "empty Worker",
    request: "any",
    start: { ...bare, script: EMPTY },
    pathOf: () => "/",
    isRight: always,
    cpuMs: [],
  },
  {
    worker: "bare Hono",
    request: "a route",
    start: { ...bare, script: bundle("bench/start/hono/wrangler.toml", root) },
    pathOf: () => "/products/42",
    isRight: always,
    cpuMs: [],
  },
  ...subjectsOf("reference API", now),
  ...(BASE === undefined
    ? []
    : subjectsOf(
        "reference API before",
        api(bundle("wrangler.toml", resolve(BASE)), resolve(BASE, "wrangler.toml")),
      )),
];

try {
  // Puts the entry into Redis that the hits read.
  await firstAnswer(now, "/products/42");
  for (let start = 0; start < STARTS; start++) {
    for (const subject of subjects) {
      const { status, headers, cpuMs } = await firstAnswer(subject.start, subject.pathOf(start));
      if (!subject.isRight(status, headers))
        throw new Error(
          `${subject.worker}, ${subject.request}: ${status} ${[...headers].join("; ")}`,
        );
      subject.cpuMs.push(cpuMs);
    }
  }
} finally {
  await services.close();
}

const least = median(subjects[0]?.cpuMs ?? []);
const rows = subjects.map(({ worker, request, cpuMs }) => ({
  worker,
  "first request": request,
  "CPU, ms": median(cpuMs).toFixed(1),
  "least to most": `${Math.min(...cpuMs).toFixed(1)} to ${Math.max(...cpuMs).toFixed(1)}`,
  "above the empty Worker, ms": (median(cpuMs) - least).toFixed(1),
}));
show(`Processor time of workerd from start to first answer: ${STARTS} starts each`, rows);
save("start", rows);
