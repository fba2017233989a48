/**
 * Packs several accounts into the one identifier that `@upstash/ratelimit` passes to an
 * `Algorithm`. The text is JSON, so no identity can be mistaken for a part of another.
 */
import type { TakeRequest } from "./ledger.ts";

/** `[requests, [[key, [[limit, widthMs], …], debt, debtAgeMs], …]]` */
type PackedIdentifier = readonly [
  requests: number,
  charges: readonly (readonly [
    key: string,
    windows: readonly (readonly [limit: number, widthMs: number])[],
    debt: number,
    debtAgeMs: number,
  ])[],
];

export interface PackOptions {
  /** The number of requests that ask for tokens in this call. */
  readonly requests: number;
  readonly charges: readonly {
    readonly key: string;
    readonly windows: readonly { readonly limit: number; readonly widthMs: number }[];
    /** Tokens of an earlier debt. They are charged whether or not they fit. Default 0. */
    readonly debt?: number;
    /** The milliseconds since the tokens of the debt were used. Default 0. */
    readonly debtAgeMs?: number;
  }[];
}

/**
 * Packs accounts for `ratelimit.limit(packed, { rate: cost })`.
 *
 * @example
 * const ratelimit = new Ratelimit({ redis, limiter: slidingWindow() });
 * const window = { limit: 100, widthMs: 60_000 };
 * await ratelimit.limit(packIdentifier({ requests: 1, charges: [{ key: "ip:192.0.2.1", windows: [window] }] }));
 */
export function packIdentifier({ charges, requests }: PackOptions): string {
  const packed: PackedIdentifier = [
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

/** Reads a text that `packIdentifier` made. `Ratelimit` has put `<prefix>:` before it. */
export function unpackIdentifier(identifier: string, prefix: string): Omit<TakeRequest, "cost"> {
  const [requests, charges] = JSON.parse(identifier.slice(prefix.length + 1)) as PackedIdentifier;
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
