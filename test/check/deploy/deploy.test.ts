/** The deploy script as a program: its calls of wrangler, and what it prints. */
import { expect, test } from "vitest";
import { run, type Planted } from "./planted-worker.ts";

/** No server listens there, so that nothing outside this machine is asked. */
const NOWHERE = "http://127.0.0.1:1";
const SECRETS = `DATABASE_URL=postgres://u:hush-1@ep.neon.tech/db
UPSTASH_REDIS_REST_URL=${NOWHERE}
UPSTASH_REDIS_REST_TOKEN=hush-2
ADMIN_TOKEN=hush-0123456789abcdef0123
`;

const deploy = (planted: Planted) =>
  run("deploy.ts", { ...planted, env: { NEON_ENDPOINT: `${NOWHERE}/sql` } });

test("the deploy script lists the secrets, asks for each queue once, deploys a first Worker whose secrets are in a file, and prints no secret", async () => {
  const { status, output, calls } = await deploy({ secrets: SECRETS });
  expect(calls).toEqual([
    "secret list --format json",
    "queues info strata-messages",
    "queues info strata-dead-letters",
    "deploy --secrets-file secrets.env",
  ]);
  expect(output).toContain(
    "warning: the migrations of the database are not known: the database does not answer\n    DATABASE_URL=… npm run db:migrate\n",
  );
  expect(output).toContain("warning: the eviction setting of Redis is not known: Redis does not");
  expect(output).not.toContain("hush");
  expect(status).toBe(0);
});

test("the deploy script does not call wrangler deploy if a queue does not exist and a secret is malformed, and prints the command that mends each", async () => {
  const { status, output, calls } = await deploy({
    secrets: SECRETS.replace("postgres://", "mysql://"),
    args: ["--domain", "cache.example.com"],
    queueInfo:
      '[ "$3" != strata-dead-letters ] || { echo "Queue \\"$3\\" does not exist." >&2; exit 1; }',
  });
  expect(status).toBe(1);
  expect(output).toContain(
    "problem: DATABASE_URL: must be a postgres:// URL\n    correct DATABASE_URL in the secrets file or in wrangler.toml\n",
  );
  expect(output).toContain(
    "problem: the queue strata-dead-letters of wrangler.toml does not exist\n    npx wrangler queues create strata-dead-letters\n",
  );
  expect(output).not.toMatch(/hush|workers\.dev|queue strata-messages/);
  expect(calls.filter((call) => call.startsWith("deploy"))).toEqual([]);
});

test("a JSON secrets file with a slip ends the deploy script with an error that quotes nothing of the file", async () => {
  const { status, output, calls } = await deploy({
    secrets: '{"DATABASE_URL": "postgres://u:hush-1@h/db" "UPSTASH_REDIS_REST_TOKEN": hush-2}',
  });
  expect(status).not.toBe(0);
  expect(output).toContain("is not valid JSON");
  expect(output).not.toContain("hush");
  expect(calls).toEqual([]);
});

test("the deploy script does not call wrangler deploy if wrangler cannot list the secrets of the Worker", async () => {
  const { status, output, calls } = await deploy({
    secretList: 'echo "not logged in" >&2; exit 1',
  });
  expect(status).toBe(1);
  expect(output).toContain("not logged in");
  expect(calls).toEqual(["secret list --format json"]);
});

test("the deploy script passes the environment to each call of wrangler, and takes the secrets that the Worker has as set", async () => {
  const names = ["DATABASE_URL", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"];
  const { output, calls, status } = await deploy({
    toml: `[env.staging]\nname = "planted-staging"\nroute = "cache.example.com/*"\n[[env.staging.durable_objects.bindings]]\nname = "FLIGHTS"\nclass_name = "FlightShard"\n[[env.staging.migrations]]\ntag = "v1"\nnew_sqlite_classes = ["FlightShard"]\n[[env.staging.queues.producers]]\nbinding = "QUEUE"\nqueue = "staging-messages"\n`,
    args: ["--env", "staging"],
    secretList: `echo '${JSON.stringify(names.map((name) => ({ name })))}'`,
  });
  expect(calls).toEqual([
    "secret list --format json --env staging",
    "queues info staging-messages --env staging",
    "deploy --env staging",
  ]);
  expect(output).toContain("wrangler secret put ADMIN_TOKEN --env staging\n");
  expect(output).not.toContain("workers.dev");
  expect(status).toBe(0);
});
