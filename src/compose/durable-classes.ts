/** The Durable Object classes of the data cache. A Worker exports them from its main module. */
import { createFlightShard } from "../durable/flight-shard.ts";
import { createLedgerObject } from "../durable/ledger-object.ts";
import { createSessionObject } from "../durable/session-object.ts";
import { createStoreObject } from "../durable/store-object.ts";
import { platform } from "../platform.ts";

/** The class behind the binding of `durable`: it holds the entries and the invalidation log. */
export const StrataStore = createStoreObject({
  now: platform.now,
  newId: platform.newId,
  // A tenth of what the disk of an object may hold.
  maxBytes: 2 ** 30,
});

/** The class behind the binding of `durableLedger`: it holds the tokens that identities have used under rate limits. */
export const StrataLedger = createLedgerObject({
  now: platform.now,
  // About 150 MB of accounts.
  maxRows: 1_000_000,
});

/** The class behind the binding of `durableSessions`: it holds the sessions of users. */
export const StrataSessions = createSessionObject({
  now: platform.now,
  // About 250 MB of sessions with their places.
  maxRows: 1_000_000,
});

/** The class behind the binding of `flights`: it grants leases, so that isolates share loads. */
export const FlightShard = createFlightShard({ now: platform.now, newId: platform.newId });
