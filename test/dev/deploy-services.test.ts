/** The checks of the deploy script that ask the database and Redis, at the local services. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServices, type Services } from "../../dev/services.ts";
import { readEviction } from "../../tools/deploy/eviction.ts";
import { run, type Planted } from "../check/deploy/planted-worker.ts";

let services: Services;
beforeAll(async () => {
  services = await startServices({ redis: "embedded", seed: false });
});
afterAll(() => services?.close());

const secretsOf = ({ databaseUrl, redisUrl, redisToken }: Services): string =>
  `DATABASE_URL=${databaseUrl}\nUPSTASH_REDIS_REST_URL=${redisUrl}\nUPSTASH_REDIS_REST_TOKEN=${redisToken}\n`;

const deploy = (planted: Planted = {}) =>
  run("deploy.ts", {
    secrets: secretsOf(services),
    env: { NEON_ENDPOINT: services.sqlEndpoint },
    ...planted,
  });

const migrate = () =>
  run("migrate.ts", {
    env: { NEON_ENDPOINT: services.sqlEndpoint, DATABASE_URL: services.databaseUrl },
  });

async function query(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const response = await fetch(services.sqlEndpoint, {
    method: "POST",
    body: JSON.stringify({ query: text, params: [] }),
  });
  const { rows, message } = (await response.json()) as {
    rows?: readonly Readonly<Record<string, unknown>>[];
    message?: string;
  };
  if (rows === undefined) throw new Error(message);
  return rows;
}

test("the deploy script refuses a deployment whose database lacks a migration, and `npm run db:migrate` applies it", async () => {
  await query("DROP TABLE live_events");
  await query(
    "DELETE FROM drizzle.__drizzle_migrations WHERE created_at = (SELECT max(created_at) FROM drizzle.__drizzle_migrations)",
  );
  const { status, output, calls } = await deploy();
  expect(status).toBe(1);
  expect(output).toContain(
    "problem: the database lacks the migrations 0006_live-events\n    DATABASE_URL=… npm run db:migrate\n",
  );
  expect(calls.filter((call) => call.startsWith("deploy"))).toEqual([]);

  expect((await migrate()).output).toBe("Applied 0006_live-events\n");
  expect(await query("SELECT * FROM live_events")).toEqual([]);
  expect((await migrate()).output).toBe("No migration is missing\n");
});

test("`npm run db:migrate` creates all tables in an empty database, in one transaction", async () => {
  await query("DROP SCHEMA drizzle CASCADE");
  await query("DROP SCHEMA public CASCADE");
  await query("CREATE SCHEMA public");
  // A table in the way of the last migration makes the transaction fail.
  await query("CREATE TABLE live_events (other int)");
  const refused = await migrate();
  expect(refused.status).toBe(1);
  expect(refused.output).toBe("Not migrated: the database refused the transaction (42P07)\n");
  const tables =
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name = 'products'";
  expect(await query(tables)).toEqual([]);

  await query("DROP TABLE live_events");
  expect((await migrate()).status).toBe(0);
  expect(await query(tables)).toHaveLength(1);
});

test("`npm run db:migrate` without DATABASE_URL names the variable and fails", async () => {
  const { status, output } = await run("migrate.ts", {});
  expect(status).toBe(1);
  expect(output).toContain("DATABASE_URL is not set");
});

test("the deploy script takes the addresses from the shell if the Worker has them as secrets: a complete database is no finding, and a Redis that evicts nothing is a warning with the command that turns eviction on", async () => {
  const names = ["DATABASE_URL", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"];
  const env = {
    NEON_ENDPOINT: services.sqlEndpoint,
    DATABASE_URL: services.databaseUrl,
    UPSTASH_REDIS_REST_URL: services.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: services.redisToken,
  };
  const secretList = `echo '${JSON.stringify(names.map((name) => ({ name })))}'`;
  const { status, output } = await deploy({ secrets: "", secretList, env });
  expect(output).toContain(
    'warning: Redis evicts nothing (noeviction): a full database refuses writes\n    curl -X POST -u "$UPSTASH_EMAIL:$UPSTASH_API_KEY" https://api.upstash.com/v2/redis/enable-eviction/<id of the database>\n',
  );
  expect(output).not.toContain("migration");
  expect(status).toBe(0);
});

test("a wrong token of Redis gives the status of the answer as the reason, and is not repeated", async () => {
  expect(await readEviction(services.redisUrl, "wrong-token")).toEqual({
    unknown: "Redis answered 401",
  });
  expect(await readEviction(services.redisUrl, services.redisToken)).toEqual({
    policy: "noeviction",
  });
});
