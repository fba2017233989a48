import { OBJECT_GIGABYTES, PRICES, type Price } from "./prices.ts";

const SECONDS_PER_MONTH = (365.25 / 12) * 86_400;

/** The use of a deployment in each second of a month. */
export interface Usage {
  readonly redisCommands: number;
  readonly redisBytes: number;
  readonly objectRequests: number;
  /** The number of Durable Objects that are active all the time. */
  readonly activeObjects: number;
}

/** Dollars a month, by part. */
export interface Bill {
  readonly redisCommands: number;
  readonly redisBandwidth: number;
  readonly objectRequests: number;
  readonly objectDuration: number;
  readonly workersPlan: number;
  readonly total: number;
}

/** Returns the dollars for this number of units in one month. */
function priceOf(price: Price, units: number): number {
  return (Math.max(0, units - price.included) * price.dollars) / price.per;
}

export function monthlyBill(usage: Usage): Bill {
  const month = (perSecond: number): number => perSecond * SECONDS_PER_MONTH;
  const parts = {
    redisCommands: priceOf(PRICES.redisCommands, month(usage.redisCommands)),
    redisBandwidth: priceOf(PRICES.redisBandwidth, month(usage.redisBytes)),
    objectRequests: priceOf(PRICES.objectRequests, month(usage.objectRequests)),
    objectDuration: priceOf(PRICES.objectDuration, month(usage.activeObjects) * OBJECT_GIGABYTES),
    workersPlan: priceOf(PRICES.workersPlan, 1),
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}
