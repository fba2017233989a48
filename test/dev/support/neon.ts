import { neonConfig } from "@neondatabase/serverless";
import { createSqlGateway } from "../../../dev/gateway/sql.ts";
import { serveGateways } from "./gateways.ts";
import type { TestGateways } from "./gateways.ts";
import type { SqlEngineChoice } from "./postgres.ts";

export const DATABASE = "postgres://user:password@db.example/main";

/** The parts of a response that the tests read. */
export interface SqlAnswer {
  readonly rows?: readonly unknown[];
  readonly message?: string;
}

export interface TestNeon {
  readonly gateways: TestGateways;
  /**
   * Sends one raw request. Returns the status and the parsed body, which the driver does not show.
   */
  post(body: unknown, headers?: Record<string, string>): Promise<[number, SqlAnswer]>;
  /** Empties the table of the tests and the counters. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** Opens Neon's gateway alone, over one engine and with one table, and points the driver at it. */
export async function openNeon(choice: SqlEngineChoice): Promise<TestNeon> {
  const engine = await choice.open();
  const gateways = await serveGateways((counts) => [createSqlGateway(engine, counts)]);
  const endpoint = `${gateways.url}/sql`;
  neonConfig.fetchEndpoint = endpoint;
  const run = (text: string): Promise<unknown> => engine.query({ text, params: [] });
  await run("DROP TABLE IF EXISTS gateway_things");
  await run(`CREATE TABLE gateway_things (id serial PRIMARY KEY, name text NOT NULL UNIQUE,
    amount int NOT NULL DEFAULT 0, live bool NOT NULL DEFAULT true, extra jsonb,
    at timestamptz NOT NULL DEFAULT now())`);
  return {
    gateways,
    async post(body, headers = {}) {
      const response = await fetch(endpoint, {
        method: "POST",
        headers: { "neon-connection-string": DATABASE, ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      });
      return [response.status, (await response.json()) as SqlAnswer];
    },
    async reset() {
      await run("TRUNCATE gateway_things RESTART IDENTITY");
      await gateways.resetCounts();
    },
    async close() {
      await run("DROP TABLE gateway_things");
      await gateways.close();
      await engine.close();
    },
  };
}
