/**
 * A request for all accounts in the one identifier that an `Algorithm` of
 * `@upstash/ratelimit` is given: JSON, so that no identity can reach into another.
 */
import type { Take } from "./ledger.ts";

/** `[requests, [[key, [[limit, widthMs], …], debt, debtAgeMs], …]]` */
type Packed = readonly [
  requests: number,
  charges: readonly (readonly [
    key: string,
    windows: readonly (readonly [limit: number, widthMs: number])[],
    debt: number,
    debtAgeMs: number,
  ])[],
];

/**
 * Packs accounts for `ratelimit.limit(packed, { rate: cost })`.
 *
 * @example
 * const ratelimit = new Ratelimit({ redis, limiter: slidingWindow() });
 * const window = { limit: 100, widthMs: 60_000 };
 * await ratelimit.limit(packIdentifier({ requests: 1, charges: [{ key: "ip:192.0.2.1", windows: [window] }] }));
 */
export function packIdentifier({ charges, requests }: PackOptions): string {
  const packed: Packed = [
    requests,
    charges.map(({ key, windows, debt = 0, debtAgeMs = 0 }) => [
      key,
      windows.map(({ limit, widthMs }) => [limit, widthMs]),
      debt,
      debtAgeMs,
    ]),
  ];
  return JSON.stringify(packed);
}

export interface PackOptions {
  /** How many requests ask at once. */
  readonly requests: number;
  readonly charges: readonly {
    readonly key: string;
    readonly windows: readonly { readonly limit: number; readonly widthMs: number }[];
    readonly debt?: number;
    readonly debtAgeMs?: number;
  }[];
}

/** The reverse. `Ratelimit` has put `<prefix>:` before the identifier. */
export function unpackIdentifier(identifier: string, prefix: string): Omit<Take, "cost"> {
  const [requests, charges] = JSON.parse(identifier.slice(prefix.length + 1)) as Packed;
  return {
    requests,
    charges: charges.map(([key, windows, debt, debtAgeMs]) => ({
      key: `${prefix}:${key}`,
      windows: windows.map(([limit, widthMs]) => ({ limit, widthMs, label: "" })),
      debt,
      debtAgeMs,
    })),
  };
}
