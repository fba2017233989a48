import { describe, expect, it } from "vitest";
import { PRICED_ON, PRICES, type Price } from "../../../bench/cost/prices.ts";

const YEAR_MS = 365 * 86_400_000;

/** What one unit may cost in dollars. A price outside has a wrong unit or a slipped decimal point. */
const SENSIBLE: Readonly<Record<keyof typeof PRICES, readonly [least: number, most: number]>> = {
  redisCommands: [0.5e-6, 10e-6],
  redisBandwidth: [0.005e-9, 0.5e-9],
  objectRequests: [0.02e-6, 2e-6],
  objectDuration: [1e-6, 100e-6],
  workersPlan: [1, 100],
};

const UNITS: Readonly<Record<keyof typeof PRICES, Price["unit"]>> = {
  redisCommands: "command",
  redisBandwidth: "byte",
  objectRequests: "request",
  objectDuration: "gigabyte-second",
  workersPlan: "month",
};

const prices = Object.entries(PRICES) as [keyof typeof PRICES, Price][];

describe("the prices of the model of cost", () => {
  it.each(prices)("the price %s has its unit and lies in a sensible range", (name, price) => {
    const [least, most] = SENSIBLE[name];
    expect(price.unit).toBe(UNITS[name]);
    expect(price.dollars / price.per).toBeGreaterThanOrEqual(least);
    expect(price.dollars / price.per).toBeLessThanOrEqual(most);
    expect(price.included).toBeGreaterThanOrEqual(0);
    expect(Number.isFinite(price.included)).toBe(true);
  });

  it.each(prices)(
    "the price %s names a page of its vendor and a day within the year before the prices were compared",
    (_name, { source, readOn }) => {
      expect(new URL(source).hostname).toMatch(/^(?:upstash\.com|developers\.cloudflare\.com)$/);
      expect(readOn).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      const ageMs = Date.parse(PRICED_ON) - Date.parse(readOn);
      expect(ageMs).toBeGreaterThanOrEqual(0);
      expect(ageMs).toBeLessThan(YEAR_MS);
    },
  );
});
