import type { StoreTables } from "./store-tables.ts";

type Remote<Call> = Call extends (...args: infer Args) => infer Value
  ? (...args: Args) => Promise<Value>
  : never;

/** The methods that isolates call. */
export type StoreRpc = {
  readonly [Method in Exclude<keyof StoreTables, "removeExpired" | "isEmpty">]: Remote<
    StoreTables[Method]
  >;
} & {
  /** Does nothing. The breaker calls it to learn whether the object answers again. */
  ping(): Promise<void>;
};
