/** The entry `strata/durable`: a shared store and flights in Durable Objects, without any other service. */
export { durable, type DurableStoreOptions } from "../compose/shared-durable.ts";
export { flights, type FlightOptions } from "../compose/shared-flights.ts";
export { FlightShard, StrataStore } from "../compose/durable-classes.ts";
export type { BreakerOptions } from "../compose/store-guard.ts";
