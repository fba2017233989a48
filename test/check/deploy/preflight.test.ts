/** The decisions of the deploy script, without a call of wrangler, of the database or of Redis. */
import { resolve } from "node:path";
import { unstable_readConfig } from "wrangler";
import { expect, test } from "vitest";
import type { WorkerBindings } from "../../../tools/deploy/bindings.ts";
import { pendingAfter } from "../../../tools/deploy/migration-state.ts";
import { preflight, type Deployment } from "../../../tools/deploy/preflight.ts";
import { queueNames, workerBindings } from "../../../tools/deploy/wrangler-config.ts";

const VALUES = {
  DATABASE_URL: "postgres://u:p@ep.neon.tech/db",
  UPSTASH_REDIS_REST_URL: "https://x.upstash.io",
  UPSTASH_REDIS_REST_TOKEN: "token",
  ADMIN_TOKEN: "0123456789abcdef01234567",
};

/** The bindings of the repository. */
const CONFIG = unstable_readConfig({
  config: resolve(import.meta.dirname, "../../../wrangler.toml"),
});
const BINDINGS = workerBindings(CONFIG);

const READY: Deployment = {
  values: VALUES,
  deployed: new Set(),
  environment: [],
  ownDomain: true,
  bindings: BINDINGS,
  queues: queueNames(CONFIG).map((name) => ({ name, state: "exists" })),
  migrations: { pending: [] },
  eviction: { policy: "optimistic-volatile" },
};
const check = (change: Partial<Deployment>) => preflight({ ...READY, ...change });
const NO_BINDINGS: WorkerBindings = {
  objects: new Map(),
  migrated: new Set(),
  others: new Set(),
  hasCron: false,
};

test("a deployment with the wrangler.toml of the repository, all secrets, both queues, all migrations, a domain and eviction has no finding", () => {
  expect(check({})).toEqual({ problems: [], warnings: [] });
  expect(queueNames(CONFIG)).toEqual(["strata-messages", "strata-dead-letters"]);
});

test("each secret that is missing is a problem with the command that sets it in the environment", () => {
  const { problems } = check({ values: {}, environment: ["--env", "staging"] });
  expect(problems.map(({ mend }) => mend)).toEqual(
    ["DATABASE_URL", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"].map(
      (name) => `npx wrangler secret put ${name} --env staging`,
    ),
  );
});

test("a secret that the deployed Worker has is no problem, although its value cannot be read", () => {
  const deployed = new Set(Object.keys(VALUES));
  expect(check({ values: {}, deployed })).toEqual({ problems: [], warnings: [] });
});

test("a deployment without ADMIN_TOKEN and ADMIN_TOKENS gets a warning with the command that makes a token, and one with ADMIN_TOKENS gets none", () => {
  const { ADMIN_TOKEN, ...values } = VALUES;
  expect(check({ values }).warnings).toEqual([
    {
      text: "ADMIN_TOKEN is not set: the admin API will reject every request",
      mend: "openssl rand -hex 24 | npx wrangler secret put ADMIN_TOKEN",
    },
  ]);
  const named = { ...values, ADMIN_TOKENS: `ci:purge:${ADMIN_TOKEN}` };
  expect(check({ values: named }).warnings).toEqual([]);
});

test("an address of Redis or of the origin with http:// is a warning", () => {
  const values = {
    ...VALUES,
    UPSTASH_REDIS_REST_URL: "http://redis.example.com",
    ORIGIN_URL: "https://origin.example.com",
  };
  expect(check({ values }).warnings).toEqual([
    {
      text: "UPSTASH_REDIS_REST_URL begins with http://: what the Worker sends there is not encrypted",
      mend: "write UPSTASH_REDIS_REST_URL with https:// in the secrets file or in wrangler.toml",
    },
  ]);
});

test("NEON_ENDPOINT and STRATA_DEV are problems of a deployment, as variables and as secrets", () => {
  const { problems } = check({
    values: { ...VALUES, NEON_ENDPOINT: "http://127.0.0.1:8790/sql" },
    deployed: new Set(["STRATA_DEV"]),
  });
  expect(problems).toEqual([
    {
      text: "NEON_ENDPOINT: is for local services only; remove it",
      mend: "remove NEON_ENDPOINT from the secrets file or from wrangler.toml",
    },
    {
      text: "STRATA_DEV: is for local services only; remove it",
      mend: "npx wrangler secret delete STRATA_DEV",
    },
  ]);
});

test("a queue that does not exist is a problem with the command that creates it, and one that wrangler does not know is a warning", () => {
  const queues = [
    { name: "strata-messages", state: "unknown" },
    { name: "strata-dead-letters", state: "missing" },
  ] as const;
  expect(check({ queues })).toEqual({
    problems: [
      {
        text: "the queue strata-dead-letters of wrangler.toml does not exist",
        mend: "npx wrangler queues create strata-dead-letters",
      },
    ],
    warnings: [
      {
        text: "whether the queue strata-messages exists is not known",
        mend: "npx wrangler queues info strata-messages",
      },
    ],
  });
});

test("a wrangler.toml without bindings has one problem, FLIGHTS, and a warning for each other binding and for the cron trigger", () => {
  const { problems, warnings } = check({ bindings: NO_BINDINGS });
  expect(problems).toEqual([
    {
      text: "wrangler.toml has no binding FLIGHTS: no request can be served",
      mend: 'add to wrangler.toml: [[durable_objects.bindings]] name = "FLIGHTS" class_name = "FlightShard"',
    },
  ]);
  expect(warnings.map(({ text }) => /no (?:binding )?([A-Z_]+|cron)/.exec(text)?.[1])).toEqual([
    "METRICS",
    "OUTBOX",
    "LOGS",
    "SLOTS",
    "QUEUE",
    "DEAD_LETTERS",
    "ASSETS",
    "cron",
  ]);
});

test("a bound class of Durable Objects that no migration of wrangler.toml creates is a problem", () => {
  const migrated = new Set([...BINDINGS.migrated].filter((name) => name !== "MetricsShard"));
  expect(check({ bindings: { ...BINDINGS, migrated } }).problems.map(({ text }) => text)).toEqual([
    "no migration of wrangler.toml creates the class MetricsShard",
  ]);
});

test("a migration that the database lacks is a problem, and an unknown state is a warning, both with the command that applies migrations", () => {
  const mend = "DATABASE_URL=… npm run db:migrate";
  expect(check({ migrations: { pending: ["0003_messages", "0004_viewed-categories"] } })).toEqual({
    problems: [
      { text: "the database lacks the migrations 0003_messages, 0004_viewed-categories", mend },
    ],
    warnings: [],
  });
  expect(check({ migrations: { unknown: "DATABASE_URL is not set here" } })).toEqual({
    problems: [],
    warnings: [
      {
        text: "the migrations of the database are not known: DATABASE_URL is not set here",
        mend,
      },
    ],
  });
});

test("a database without a table of migrations lacks all of them, and one with an older table lacks the newer ones", () => {
  const files = [
    { tag: "a", when: 1 },
    { tag: "b", when: 2 },
  ];
  expect(pendingAfter(files, undefined)).toEqual(files);
  expect(pendingAfter(files, 1)).toEqual([{ tag: "b", when: 2 }]);
  expect(pendingAfter(files, 2)).toEqual([]);
});

test("a deployment without a domain gets a warning with the command that deploys to one", () => {
  expect(check({ ownDomain: false, environment: ["--env", "staging"] }).warnings).toEqual([
    {
      text: "wrangler.toml has no route with its own domain: on workers.dev the Cache API stores nothing",
      mend: "npm run deploy -- --domain cache.example.com --env staging",
    },
  ]);
});

test("a Redis that evicts nothing and a Redis that does not answer are warnings, and one that does not report its policy is none", () => {
  expect(check({ eviction: { policy: "noeviction" } }).warnings).toEqual([
    {
      text: "Redis evicts nothing (noeviction): a full database refuses writes",
      mend: 'curl -X POST -u "$UPSTASH_EMAIL:$UPSTASH_API_KEY" https://api.upstash.com/v2/redis/enable-eviction/<id of the database>',
    },
  ]);
  expect(check({ eviction: { unknown: "Redis does not answer" } }).warnings).toMatchObject([
    { text: "the eviction setting of Redis is not known: Redis does not answer" },
  ]);
  expect(check({ eviction: { unreported: true } }).warnings).toEqual([]);
});
