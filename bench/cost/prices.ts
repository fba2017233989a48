/**
 * The vendors' list prices in dollars, without taxes and discounts. The model of cost takes every
 * price from here. docs/operations/cost.md says what the model leaves out.
 */

/** The instant at which the prices were compared with their sources for the last time. */
export const PRICED_ON = "2026-11-28";

export type PricedUnit = "command" | "byte" | "request" | "gigabyte-second" | "month";

export interface Price {
  readonly dollars: number;
  /** The number of units that `dollars` pays for. */
  readonly per: number;
  readonly unit: PricedUnit;
  /** The units of each month that cost nothing. */
  readonly included: number;
  /** The page of the vendor that states the price. */
  readonly source: string;
  /** The day on which the price was read there, or in a dated copy of the page. */
  readonly readOn: string;
}

const UPSTASH = "https://upstash.com/docs/redis/overall/billing";
const OBJECTS = "https://developers.cloudflare.com/durable-objects/platform/pricing";
const WORKERS = "https://developers.cloudflare.com/workers/platform/pricing";

export const PRICES = {
  /** Pay as you go. A call inside a script counts as a command too. */
  redisCommands: {
    dollars: 0.2,
    per: 100_000,
    unit: "command",
    included: 0,
    source: UPSTASH,
    readOn: PRICED_ON,
  },
  redisBandwidth: {
    dollars: 0.03,
    per: 1e9,
    unit: "byte",
    included: 200e9,
    source: UPSTASH,
    readOn: PRICED_ON,
  },
  objectRequests: {
    dollars: 0.15,
    per: 1_000_000,
    unit: "request",
    included: 1_000_000,
    source: OBJECTS,
    readOn: PRICED_ON,
  },
  /** An object is billed with 128 MB for the time in which it is active. */
  objectDuration: {
    dollars: 12.5,
    per: 1_000_000,
    unit: "gigabyte-second",
    included: 400_000,
    source: OBJECTS,
    readOn: PRICED_ON,
  },
  workersPlan: {
    dollars: 5,
    per: 1,
    unit: "month",
    included: 0,
    source: WORKERS,
    readOn: PRICED_ON,
  },
} as const satisfies Record<string, Price>;

/** The memory with which an object is billed, whatever it uses. */
export const OBJECT_GIGABYTES = 0.128;

/** The commands a second that one Upstash database accepts. */
export const REDIS_COMMANDS_CAP = 10_000;
