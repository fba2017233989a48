/** The entry `strata/durable`: a shared store, flights, a ledger of rate limits and sessions in Durable Objects, without any other service. */
export { durable, type DurableStoreOptions } from "../compose/shared-durable.ts";
export { flights, type FlightOptions } from "../compose/shared-flights.ts";
export { durableLedger, type DurableLedgerOptions } from "../compose/ledger-durable.ts";
export { durableSessions, type DurableSessionOptions } from "../compose/session-durable.ts";
export {
  FlightShard,
  StrataLedger,
  StrataSessions,
  StrataStore,
} from "../compose/durable-classes.ts";
export type { BreakerOptions } from "../compose/store-guard.ts";
