import { createRedisGateway } from "../../../dev/gateway/redis.ts";
import { createSqlGateway } from "../../../dev/gateway/sql.ts";
import { createEmbeddedEngine } from "../../../dev/redis/embedded/engine.ts";
import type { RedisEngine } from "../../../dev/redis/engine.ts";
import type { SqlEngine, SqlQuery, SqlResult } from "../../../dev/sql/engine.ts";
import { serveGateways } from "./gateways.ts";
import type { TestGateways } from "./gateways.ts";

export const TOKEN = "the-token";

/** Creates a database that only records its queries, because these tests are about the gateway. */
function createRecordingSql(): SqlEngine & { readonly executed: string[] } {
  const executed: string[] = [];
  const answer = ({ text }: SqlQuery): SqlResult => {
    executed.push(text);
    return { command: "SELECT", rowCount: 0, fields: [], rows: [] };
  };
  return {
    executed,
    label: "recording",
    query: async (query) => answer(query),
    batch: async (_mode, queries) => queries.map(answer),
    wipe: async () => undefined,
    migrate: async () => undefined,
    seed: async () => undefined,
    close: async () => undefined,
  };
}

export interface Faulty {
  readonly gateways: TestGateways;
  readonly engine: RedisEngine;
  readonly database: { readonly executed: string[] };
  redis(...command: readonly string[]): Promise<Response>;
  sql(query: string): Promise<Response>;
  /** Returns the value of a key, read without faults. */
  stored(key: string): Promise<unknown>;
  /** Clears the stored keys, the counters and the recorded queries. */
  reset(): Promise<void>;
}

/** Opens both gateways, for tests of injected faults. */
export async function openFaulty(): Promise<Faulty> {
  const database = createRecordingSql();
  const engine = createEmbeddedEngine();
  const gateways = await serveGateways((counts) => [
    createRedisGateway({ engine, token: TOKEN, counts }),
    createSqlGateway(database, counts),
  ]);
  const redis = (...command: readonly string[]): Promise<Response> =>
    fetch(`${gateways.url}/redis`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify(command),
    });
  return {
    gateways,
    engine,
    database,
    redis,
    sql: (query) =>
      fetch(`${gateways.url}/sql`, { method: "POST", body: JSON.stringify({ query }) }),
    async stored(key) {
      await gateways.clearFaults();
      return ((await (await redis("GET", key)).json()) as { result: unknown }).result;
    },
    async reset() {
      await engine.wipe();
      await gateways.resetCounts();
      database.executed.length = 0;
    },
  };
}
