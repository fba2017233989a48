/** Writes rows of a Postgres database together with their invalidations, for the data cache. */
import { count, duration, readOptions, type OptionTable } from "../config/option-reader.ts";
import type { Context } from "../core/context.ts";
import type { Duration } from "../core/duration.ts";
import { etagOf } from "../core/etag.ts";
import { DefinitionError } from "../core/faults.ts";
import type { PurgeTargets } from "../core/invalidation-key.ts";
import { MAX_LIFETIME_MS } from "../core/policy.ts";
import type { Millis } from "../core/time.ts";
import type { Lifetime, Strata } from "../data/strata.ts";
import { createDatabase, createSqlProbe, type Database } from "../origin/neon.ts";
import type { Mutation } from "../writes/mutate.ts";
import { createWriteThrough } from "../writes/through.ts";
import { createTakeWriteSlot } from "../writes/write-slot.ts";
import {
  createWriter,
  type InvalidationState,
  type Writer,
  type Written,
} from "../writes/writer.ts";
import { contextOf } from "./open-cache.ts";
import { dataPartsOf } from "./data-parts.ts";
import { createOriginBreaker, ORIGIN_BREAKER } from "./origin-breaker.ts";

/** The options of `postgres`. */
export interface PostgresOptions {
  /** The connection string of the Neon database. */
  readonly url: string;
  /** The URL to which SQL is sent instead of the host of `url`: a gateway with Neon's HTTP protocol. */
  readonly endpoint?: string;
  readonly requests?: {
    /** Time limit of one SQL request. @default "5s" */
    readonly timeout?: Duration;
    /** The breaker of the database opens after this many failures in a row. @default 10 */
    readonly failures?: number;
  };
  readonly outbox?: {
    /** Time between an invalidation and the check that the log has not lost it. @default "5s" */
    readonly verifyAfter?: Duration;
    /** Reads of the database may lag behind its writes by at most this time. @default 0 */
    readonly originLag?: Duration;
  };
}

const RULES: OptionTable<Pick<PostgresOptions, "requests" | "outbox">> = {
  requests: {
    timeout: duration("5s", 1, 60_000),
    failures: count(ORIGIN_BREAKER.failures, 1, 1_000),
  },
  outbox: {
    verifyAfter: duration("5s", 0, 86_400_000),
    originLag: duration(0, 0, MAX_LIFETIME_MS),
  },
};

interface Settings {
  readonly requests: { readonly timeoutMs: Millis; readonly failures: number };
  readonly outbox: { readonly verifyAfterMs: Millis; readonly originLagMs: Millis };
}

/** Writes rows with their invalidations. `postgres` makes it. */
export interface PostgresWriter {
  /** The Drizzle client of the database. Use it for queries, and for the statements of `mutate`. */
  readonly db: Database;
  /**
   * Commits a change and an outbox row in one transaction, and invalidates the entries that were made from the
   * changed rows.
   *
   * @throws as `Writer.mutate` does
   */
  mutate<T>(mutation: Mutation<T>, lifetime?: Lifetime): Promise<Written<T>>;
  /** Invalidates tags, keys, prefixes or everything. If the log does not answer, the outbox keeps the invalidation. */
  purge(targets: PurgeTargets, lifetime?: Lifetime): Promise<InvalidationState>;
  /**
   * Delivers what the outbox keeps, and verifies what was delivered. Call it from a cron trigger, once a minute.
   * Never rejects.
   */
  relay(lifetime?: Lifetime): Promise<void>;
}

/**
 * Makes the writer of a Neon database for a cache with a shared store. The database needs the table
 * `outbox`: docs/storage-schema.md has its columns.
 *
 * @throws {DefinitionError} that lists every wrong option; it never holds the connection string
 * @example
 * import { env } from "cloudflare:workers";
 *
 * const strata = createStrata({ namespace: "shop", shared: redis({ url: "https://example.upstash.io", token: "secret" }) });
 * const shop = postgres(strata, { url: env.DATABASE_URL ?? "" });
 */
export function postgres(strata: Strata, options: PostgresOptions): PostgresWriter {
  const { url, endpoint, ...rest } = options;
  const { values, problems } = readOptions(rest, RULES);
  const all = [
    ...(strata.reach === "everywhere" ? [] : ["the cache needs a shared store"]),
    ...(/^postgres(?:ql)?:\/\//.test(url) ? [] : ["url: must be a connection string of Postgres"]),
    ...problems,
  ];
  if (all.length > 0) throw new DefinitionError("postgres", all.join("; "));
  const { requests, outbox } = values as unknown as Settings;

  function build(): { readonly db: Database; readonly writer: Writer } {
    const { engine, coherence, slots, loads, emit, admit, ...parts } = dataPartsOf(strata);
    const { settings, keepAlive, platform, serializer } = parts;
    const { now, random } = platform;
    const { timeoutMs, failures } = requests;
    const server = {
      databaseUrl: url,
      timeoutMs,
      ...(endpoint !== undefined && { neonEndpoint: endpoint }),
    };
    const breaker = createOriginBreaker({
      failures,
      name: "sql",
      callTimeoutMs: timeoutMs,
      probe: createSqlProbe(server),
      now,
      random,
      onChange: emit,
    });
    const db = createDatabase({ ...server, now, breaker, keepAlive });
    const writer = createWriter({
      db,
      invalidator: coherence,
      namespace: settings.namespace,
      ...outbox,
      through: createWriteThrough({ engine, etagOf, textOf: serializer.write, admit }),
      takeSlot: createTakeWriteSlot({
        slots,
        isInLoad: () => loads.slot() !== undefined,
        timeoutMs,
      }),
    });
    coherence.onRecovery((ctx) => writer.relay(ctx));
    return { db, writer };
  }

  let built: ReturnType<typeof build> | undefined;
  const parts = () => (built ??= build());

  function contextFor(lifetime: Lifetime | undefined): Context {
    const { emit, keepAlive, platform } = dataPartsOf(strata);
    return contextOf({ emit, keepAlive, now: platform.now }, lifetime);
  }

  return {
    get db() {
      return parts().db;
    },
    mutate: (mutation, lifetime) => parts().writer.mutate(mutation, contextFor(lifetime)),
    purge: (targets, lifetime) => parts().writer.purge(targets, contextFor(lifetime)),
    async relay(lifetime) {
      await parts().writer.relay(contextFor(lifetime));
    },
  };
}
