/** Loads the driver with the first query: a request that needs no SQL does not wait for the driver's modules. */
import type { NeonHttpClient } from "drizzle-orm/neon-http/session";
import type { SqlServer } from "./sql-server.ts";

type Query = (text: string, values?: unknown[], options?: object) => PromiseLike<unknown>;
/** The part of the driver's client that drizzle calls. */
interface Client {
  readonly query: Query;
  transaction(queries: readonly PromiseLike<unknown>[], options?: object): Promise<unknown>;
}

/** A query that is sent when its result is awaited, as the driver's own queries are. */
class LateQuery implements PromiseLike<unknown> {
  /** Makes the same query with a client of the driver. */
  readonly on: (client: Client) => PromiseLike<unknown>;
  readonly #open: () => Promise<Client>;

  constructor(open: () => Promise<Client>, on: LateQuery["on"]) {
    this.#open = open;
    this.on = on;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- drizzle awaits queries, or hands them to `transaction`
  then<A = unknown, B = never>(
    onAnswer?: ((value: unknown) => A | PromiseLike<A>) | null,
    onError?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#open()
      .then((client) => this.on(client))
      .then(onAnswer, onError);
  }
}

/** Creates a client with the two methods of the driver's client that drizzle calls. */
export function createLateClient(server: SqlServer): NeonHttpClient {
  let opened: Client | undefined;

  // The promise of the import is not kept: a request must not wait for a promise of another request.
  async function open(): Promise<Client> {
    if (opened !== undefined) return opened;
    const { createNeonClient } = await import("./neon-client.ts");
    return (opened ??= createNeonClient(server) as unknown as Client);
  }

  const client: Client = {
    query: (...args) => new LateQuery(open, (driver) => driver.query(...args)),
    async transaction(queries, options) {
      const driver = await open();
      const own = queries.map((query) => (query instanceof LateQuery ? query.on(driver) : query));
      return driver.transaction(own, options);
    },
  };
  return client as unknown as NeonHttpClient;
}
