/** The subjects of the benches of a hit: Workers that answer the same product with the same fields. */
import { bundle } from "../../dev/bundle.ts";
import type { ServiceAddresses } from "../../dev/services.ts";
import { versionOf } from "../peers/version.ts";
import { installOpenNext, OPENNEXT } from "./opennext.ts";
import type { Variant } from "./subjects.ts";
import { ask, OF_CONNECTION, type Answer } from "../tiers/load.ts";
import { objectBindings, startDataCentre } from "../tiers/runtime.ts";

const PRODUCT = "/products/42";

export interface HitSubject extends Omit<Variant, "beside"> {
  /** The subject that this one is compared with. Default: none. */
  readonly base?: string;
  /** The goal for the ratio of the processor times. */
  readonly goal?: number;
}

const BARE = "bare Hono route";
/** The names by which the benches choose subjects. */
export const FEW = `${BARE}, fields of cached()`;
export const MANY = `${BARE}, fields of the reference API`;
export const CACHED = "cached(), memory";
export const API_TENTH = "reference API, sampled 10 %";
const MATCH = "bare handler, caches.default.match";
const inBare = `in a ${BARE} with these fields`;

export interface HitSubjects {
  readonly all: readonly HitSubject[];
  /** The Worker of the subjects that name none. */
  readonly script: string;
  /** The fields of the bare routes, as JSON. */
  readonly fields: { readonly few: string; readonly many: string };
}

/** Bundles the Workers, and reads the body and the fields of a hit. `checkout` is a folder with another commit. */
export async function prepareHit(
  services: ServiceAddresses,
  checkout: string | undefined,
): Promise<HitSubjects> {
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
  installOpenNext();

  const objects = Object.keys(objectBindings());
  /** The bindings of the objects whose classes bench/hit/worker.ts lacks. */
  const without = objects.filter((name) => name !== "FLIGHTS");

  const sampled = { ...api, OTEL_TRACES_SAMPLER: "always_on" };
  const apiHit = await hitOf({ script: product, path: PRODUCT, bindings: sampled });
  const BODY = apiHit.body;
  const bindings = { ...layer, BODY };
  const cachedHit = await hitOf({ script: subjects, path: "/cached/42", bindings, without });
  const few = { ...layer, BODY, FIELDS: fieldsOf(cachedHit) };
  const many = { ...layer, BODY, FIELDS: fieldsOf(apiHit) };

  const all: readonly HitSubject[] = [
    { name: BARE, path: "/bare", bindings: few },
    { name: FEW, path: "/fields", bindings: few },
    { name: `${FEW}, behind two middlewares`, path: "/behind", bindings: few, base: FEW },
    { name: `${FEW}, prepared`, path: "/prepared", bindings: few, base: FEW },
    { name: CACHED, path: "/cached/42", bindings: few, base: FEW, goal: 0.95 },
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
    {
      name: `bentocache ${versionOf("bentocache")}, memory, ${inBare}`,
      path: "/bentocache/42",
      bindings: few,
      script: bundle("bench/hit-bentocache/wrangler.toml"),
      without: objects,
      base: FEW,
    },
    { name: MANY, path: "/fields", bindings: many },
    { name: `${MANY}, prepared`, path: "/prepared", bindings: many, base: MANY },
    apiSubject("sampled 0 %", { OTEL_TRACES_SAMPLER: "always_off" }),
    { ...apiSubject("sampled 10 %", tenth), goal: 0.85 },
    { ...apiSubject("sampled 100 %", { OTEL_TRACES_SAMPLER: "always_on" }), goal: 0.7 },
    ...(checkout === undefined
      ? []
      : [
          {
            ...apiSubject("sampled 10 %", tenth),
            name: "reference API of CHECKOUT, sampled 10 %",
            script: bundle("wrangler.toml", checkout),
            checkout,
          },
          {
            name: "cached() of CHECKOUT, memory",
            path: "/cached/42",
            bindings: few,
            script: bundle("bench/hit/wrangler.toml", checkout),
            checkout,
            without,
            base: FEW,
          },
        ]),
    { name: MATCH, path: "/match", bindings: few },
    { name: "hono/cache", path: "/hono-cache/42", bindings: few, base: MATCH },
    {
      name: `OpenNext's regional cache ${OPENNEXT}, in a bare handler with these fields`,
      path: "/opennext/42",
      bindings: few,
      script: bundle("bench/hit-opennext/wrangler.toml"),
      without: objects,
      base: MATCH,
    },
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
  return {
    all: all.map((each) => (each.script === undefined ? { ...each, without } : each)),
    script: subjects,
    fields: { few: few.FIELDS, many: many.FIELDS },
  };
}

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
