/** One small Worker for each entry of the package: it uses the entry and answers two requests. */

export interface Sample {
  /** The optional packages that the entry needs. Nothing else is installed. */
  readonly peers: readonly string[];
  /** Why the declarations of these packages are not checked. Undefined: they are. */
  readonly skipLibCheck?: string;
  readonly source: string;
  /** The answers of the Worker to the first request and to the second. */
  readonly answers: readonly [string, string];
}

const DECLARATIONS_OF_DRIZZLE =
  "drizzle-orm has declarations for every database, which import the packages of those that are not installed";

/** A Worker whose fetch handler has this body. */
const worker = (imports: string, module: string, body: string): string => `${imports}
${module}
export default {
  async fetch(request, env, ctx) {
    ${body}
  },
} satisfies ExportedHandler;
`;

const READ = `const { status } = await strata.open(ctx).read(key("greeting", "ada"), greeting, async () => "Hello");
    return new Response(status);`;
const GREETING = `const greeting = definePolicy({ freshFor: "5m" });`;

/** A Worker that answers with the type of what the entry exports under this name. */
const loads = (entry: string, name: string, more = ""): string =>
  worker(`import { ${name} } from "${entry}";${more}`, "", `return new Response(typeof ${name});`);

/** A Hono application with one cached route, which answers with the state of its first response. */
const HONO = `const app = new Hono<StrataEnv>();
app.use(middleware(strata, app, options));
app.get("/", cached({ freshFor: "5m" }), (c) => c.text("Hello"));`;
const ASK = `const response = await app.fetch(request, env as never, ctx);
    return new Response(response.headers.get("X-Cache-Status"));`;

export const SAMPLES: Readonly<Record<string, Sample>> = {
  strata: {
    peers: [],
    source: worker(
      `import { createStrata, definePolicy, key } from "strata";`,
      `const strata = createStrata({ namespace: "shop" });\n${GREETING}`,
      READ,
    ),
    answers: ["miss", "hit-memory"],
  },
  "strata/admission": {
    peers: [],
    source: worker(
      `import { createStrata, definePolicy, key } from "strata";\nimport { secondRead } from "strata/admission";`,
      `const strata = createStrata({ namespace: "shop", admission: secondRead() });\n${GREETING}`,
      READ,
    ),
    answers: ["miss", "hit-memory"],
  },
  "strata/overload": {
    peers: [],
    source: worker(
      `import { createStrata, definePolicy, key } from "strata";\nimport { overload } from "strata/overload";`,
      `const strata = createStrata({ namespace: "shop", origin: { overload } });\n${GREETING}`,
      READ,
    ),
    answers: ["miss", "hit-memory"],
  },
  "strata/eviction": {
    peers: [],
    source: worker(
      `import { createStrata, definePolicy, key } from "strata";
import { fifo, lfu, lru, random, ttl } from "strata/eviction";`,
      `const [strata] = [lru, lfu, fifo, random, ttl].map((eviction) => createStrata({ namespace: "shop", memory: { eviction } }));
${GREETING}
if (strata === undefined) throw new Error("no order");`,
      READ,
    ),
    answers: ["miss", "hit-memory"],
  },
  "strata/hono": {
    peers: ["hono"],
    source: worker(
      `import { Hono } from "hono";
import { createStrata } from "strata";
import { cached, middleware, type MiddlewareOptions, type StrataEnv } from "strata/hono";`,
      `const strata = createStrata({ namespace: "shop" });\nconst options: MiddlewareOptions = { expose: "status" };\n${HONO}`,
      ASK,
    ),
    answers: ["MISS", "HIT"],
  },
  "strata/proxy": {
    peers: ["hono"],
    source: worker(
      `import { createStrata } from "strata";\nimport { proxy } from "strata/proxy";`,
      `const app = proxy(createStrata({ namespace: "shop" }), { origin: new URL("http://origin.test") });`,
      ASK,
    ),
    answers: ["MISS", "HIT"],
  },
  "strata/redis": {
    peers: ["@upstash/redis"],
    source: worker(
      `import { createStrata, definePolicy, key } from "strata";\nimport { redis } from "strata/redis";`,
      `const shared = redis({ url: "http://redis.test", token: "secret" });
const strata = createStrata({ namespace: "shop", shared });\n${GREETING}`,
      READ.replace("status)", "`${strata.reach} ${status}`)"),
    ),
    // The Redis of this sample answers nothing, so the cache serves without it.
    answers: ["everywhere miss", "everywhere hit-memory"],
  },
  "strata/serializer": {
    peers: [],
    source: worker(
      `import { createStrata, definePolicy, key } from "strata";\nimport { richSerializer } from "strata/serializer";`,
      `const strata = createStrata({ namespace: "shop", serializer: richSerializer });\n${GREETING}`,
      READ,
    ),
    answers: ["miss", "hit-memory"],
  },
  "strata/encryption": {
    peers: [],
    source: worker(
      `import { createStrata, definePolicy, key } from "strata";\nimport { encryption } from "strata/encryption";`,
      `const keys = [{ id: "one", key: new Uint8Array(32) }];
const strata = createStrata({ namespace: "shop", encryption: encryption({ keys }) });\n${GREETING}`,
      READ,
    ),
    answers: ["miss", "hit-memory"],
  },
  "strata/postgres": {
    peers: ["drizzle-orm", "@neondatabase/serverless"],
    skipLibCheck: DECLARATIONS_OF_DRIZZLE,
    source: worker(
      `import { createStrata } from "strata";\nimport { durable } from "strata/durable";\nimport { OriginFault, postgres } from "strata/postgres";`,
      `const shared = durable({} as DurableObjectNamespace);
const shop = postgres(createStrata({ namespace: "shop", shared }), { url: "postgres://user:word@db.test/shop" });`,
      `const refused = await shop.db.execute("select 1").catch((error: unknown) => error);
    return new Response(String(refused instanceof OriginFault));`,
    ),
    answers: ["true", "true"],
  },
  "strata/telemetry": {
    peers: [
      "hono",
      "@opentelemetry/api",
      "@opentelemetry/otlp-transformer",
      "@opentelemetry/resources",
      "@opentelemetry/sdk-trace",
    ],
    source: worker(
      `import { Hono } from "hono";
import { createStrata } from "strata";
import { cached, middleware, type StrataEnv } from "strata/hono";
import { telemetry } from "strata/telemetry";`,
      `const strata = createStrata({ namespace: "shop" });
const options = { telemetry: telemetry({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.test" }) };
${HONO}`,
      ASK,
    ),
    answers: ["MISS", "HIT"],
  },
  "strata/ai": {
    peers: [],
    source: loads("strata/ai", "modelCache"),
    answers: ["function", "function"],
  },
  "strata/better-auth": {
    peers: ["@upstash/redis"],
    source: loads("strata/better-auth", "secondaryStorage"),
    answers: ["function", "function"],
  },
  "strata/drizzle": {
    peers: ["drizzle-orm"],
    skipLibCheck: DECLARATIONS_OF_DRIZZLE,
    source: loads("strata/drizzle", "withCache"),
    answers: ["function", "function"],
  },
  "strata/durable": {
    peers: [],
    source: loads(
      "strata/durable",
      "durable",
      '\nexport { FlightShard, StrataLedger, StrataSessions, StrataStore } from "strata/durable";',
    ),
    answers: ["function", "function"],
  },
  "strata/opennext": {
    peers: [],
    source: loads("strata/opennext", "openNext"),
    answers: ["function", "function"],
  },
  "strata/unstorage": {
    peers: ["unstorage"],
    skipLibCheck:
      "unstorage has declarations of drivers, which import packages that are not installed",
    source: loads("strata/unstorage", "strataDriver"),
    answers: ["function", "function"],
  },
  "strata/worker": {
    peers: [
      "hono",
      "zod",
      "eventsource-parser",
      "@upstash/redis",
      "@upstash/ratelimit",
      "drizzle-orm",
      "@neondatabase/serverless",
      "@opentelemetry/api",
      "@opentelemetry/otlp-transformer",
      "@opentelemetry/resources",
      "@opentelemetry/sdk-metrics",
      "@opentelemetry/sdk-trace",
    ],
    skipLibCheck: DECLARATIONS_OF_DRIZZLE,
    source: worker(
      `import { ConfigError, createStrata, type Bindings } from "strata/worker";`,
      `export { FlightShard } from "strata/worker";`,
      `try {
      createStrata(env as Bindings);
      return new Response("created");
    } catch (error) {
      return new Response(String(error instanceof ConfigError));
    }`,
    ),
    // No binding is set.
    answers: ["true", "true"],
  },
};
