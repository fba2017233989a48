import type { Millis } from "../core/time.ts";

/** The address of the database and the time limit of its requests. */
export interface SqlServer {
  readonly databaseUrl: string;
  /** The URL to which requests are sent instead of the host in `databaseUrl`. Only local services need it. */
  readonly neonEndpoint?: string;
  /** The time limit of a request. It ends when the last byte of the answer has arrived. */
  readonly timeoutMs: Millis;
}
