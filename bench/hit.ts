/**
 * Measures what a hit costs, in processor time of workerd: `cached()` and the reference API beside bare
 * routes that send the same body and fields, and beside other caches in such a route. STARTS and ROUNDS set
 * how often each subject starts and is measured. CHECKOUT names a folder with another commit, whose
 * reference API and `cached()` are measured in the same run. ONLY names a part of the subjects, by a regular expression.
 */
import { bundle } from "../dev/bundle.ts";
import { forkServices } from "../dev/services-process.ts";
import { versionOf } from "./peers/version.ts";
import { save, show } from "./support/report.ts";
import { measure, type Spent, type Variant } from "./support/subjects.ts";
import { median, rangeOf } from "./support/time.ts";
import { ask, closeConnections, OF_CONNECTION, type Answer } from "./tiers/load.ts";
import { objectBindings, startDataCentre } from "./tiers/runtime.ts";

const STARTS = Number(process.env["STARTS"] ?? 5);
const ROUNDS = Number(process.env["ROUNDS"] ?? 30);
const ONLY = new RegExp(process.env["ONLY"] ?? "");
const CHECKOUT = process.env["CHECKOUT"];
const PRODUCT = "/products/42";

interface HitSubject extends Omit<Variant, "beside"> {
  /** The subject that this one is compared with. Default: none. */
  readonly base?: string;
  /** The goal for the ratio of the processor times. */
  readonly goal?: number;
}

const services = await forkServices();
const common = {
  DATABASE_URL: services.databaseUrl,
  NEON_ENDPOINT: services.sqlEndpoint,
  UPSTASH_REDIS_REST_URL: services.redisUrl,
  UPSTASH_REDIS_REST_TOKEN: services.redisToken,
  STRATA_LOG: "off",
};
const layer = { ...common, OTEL_SDK_DISABLED: "true", BODY: "{}", FIELDS: "{}" };
const tenth = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.1" };
const api = { ...common, STRATA_DEV: "1", OTEL_EXPORTER_OTLP_ENDPOINT: `${services.url}/otlp` };

const product = bundle("wrangler.toml");
const subjects = bundle("bench/hit/wrangler.toml");

/** The bindings of the objects whose classes bench/hit/worker.ts lacks. */
const without = Object.keys(objectBindings()).filter((name) => name !== "FLIGHTS");

type HitOf = Pick<Variant, "bindings" | "without"> & {
  readonly path: string;
  readonly script: string;
};

/** Returns a memory hit of a Worker. */
async function hitOf({ script, path, bindings, without = [] }: HitOf): Promise<Answer> {
  const centre = await startDataCentre(script, { isolates: 1, bindings, objects: true, without });
  try {
    const url = `${centre.urls[0]}${path}`;
    for (let at = 0; at < 10; at++) await ask(url, 1);
    const answer = await ask(url, 1);
    if (answer.headers["x-cache-status"] !== "HIT") throw new Error(`${path} is no hit`);
    return answer;
  } finally {
    await centre.close();
  }
}

function fieldsOf({ headers }: Answer): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_CONNECTION.has(name))),
  );
}

const sampled = { ...api, OTEL_TRACES_SAMPLER: "always_on" };
const apiHit = await hitOf({ script: product, path: PRODUCT, bindings: sampled });
const BODY = apiHit.body;
const bindings = { ...layer, BODY };
const cachedHit = await hitOf({ script: subjects, path: "/cached/42", bindings, without });
const few = { ...layer, BODY, FIELDS: fieldsOf(cachedHit) };
const many = { ...layer, BODY, FIELDS: fieldsOf(apiHit) };

const BARE = "bare Hono route";
const FEW = `${BARE}, fields of cached()`;
const MANY = `${BARE}, fields of the reference API`;
const MATCH = "bare handler, caches.default.match";
const inBare = `in a ${BARE} with these fields`;

const all: readonly HitSubject[] = [
  { name: BARE, path: "/bare", bindings: few },
  { name: FEW, path: "/fields", bindings: few },
  { name: `${FEW}, prepared`, path: "/prepared", bindings: few, base: FEW },
  { name: "cached(), memory", path: "/cached/42", bindings: few, base: FEW, goal: 0.95 },
  {
    name: `@unkey/cache ${versionOf("@unkey/cache")}, memory, ${inBare}`,
    path: "/unkey/42",
    bindings: few,
    base: FEW,
  },
  {
    name: `lru-cache ${versionOf("lru-cache")} ${inBare}`,
    path: "/lru/42",
    bindings: few,
    base: FEW,
  },
  { name: MANY, path: "/fields", bindings: many },
  { name: `${MANY}, prepared`, path: "/prepared", bindings: many, base: MANY },
  apiSubject("sampled 0 %", { OTEL_TRACES_SAMPLER: "always_off" }),
  { ...apiSubject("sampled 10 %", tenth), goal: 0.85 },
  { ...apiSubject("sampled 100 %", { OTEL_TRACES_SAMPLER: "always_on" }), goal: 0.7 },
  ...(CHECKOUT === undefined
    ? []
    : [
        {
          ...apiSubject("sampled 10 %", tenth),
          name: "reference API of CHECKOUT, sampled 10 %",
          script: bundle("wrangler.toml", CHECKOUT),
          checkout: CHECKOUT,
        },
        {
          name: "cached() of CHECKOUT, memory",
          path: "/cached/42",
          bindings: few,
          script: bundle("bench/hit/wrangler.toml", CHECKOUT),
          checkout: CHECKOUT,
          without,
          base: FEW,
        },
      ]),
  { name: MATCH, path: "/match", bindings: few },
  { name: "hono/cache", path: "/hono-cache/42", bindings: few, base: MATCH },
  // The cost of a hit in the edge tier is to be at most 0.8 of that of the bare handler.
  { name: "cached(), edge", path: "/edge/42", bindings: few, base: MATCH, goal: 1.25 },
];

function apiSubject(share: string, sampler: Readonly<Record<string, string>>): HitSubject {
  return {
    name: `reference API, ${share}`,
    path: PRODUCT,
    bindings: { ...api, ...sampler },
    script: product,
    base: MANY,
  };
}

const chosen = all
  .filter(({ name }) => ONLY.test(name))
  .map((each) => (each.script === undefined ? { ...each, without } : each));
const starts = await measure({
  script: subjects,
  variants: chosen,
  starts: STARTS,
  rounds: ROUNDS,
  requests: 1_000,
  width: 8,
  warmUp: Number(process.env["WARM_UP"] ?? 40),
});

const perStart = (at: number, of: (spent: Spent) => number | undefined): readonly number[] =>
  starts.map((start) => of(start[at]!) ?? Number.NaN);
const cpuOf = ({ cpuUs }: Spent): number | undefined => cpuUs;

const rows = chosen.map(({ name, base, goal }, at) => {
  const cpu = perStart(at, cpuOf);
  const baseAt = chosen.findIndex((each) => each.name === base);
  const ratios = baseAt < 0 ? [] : perStart(baseAt, cpuOf).map((us, start) => us / cpu[start]!);
  return {
    subject: name,
    "CPU µs per request": Math.round(median(cpu)),
    "range of CPU": rangeOf(cpu, 0),
    "requests/s": Math.round(1_000 / median(perStart(at, ({ ms }) => ms))),
    beside: base ?? "",
    ratio: ratios.length === 0 ? "" : median(ratios).toFixed(2),
    range: ratios.length === 0 ? "" : rangeOf(ratios, 2),
    goal: goal ?? "",
  };
});
show(`A hit: ${STARTS} starts, ${ROUNDS} rounds each; ratios by processor time`, rows);
save("hit", {
  starts: STARTS,
  rounds: ROUNDS,
  fields: { few: few.FIELDS, many: many.FIELDS },
  rows,
});
closeConnections();
await services.close();
