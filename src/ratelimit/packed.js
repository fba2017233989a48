/**
 * Packs accounts for `ratelimit.limit(packed, { rate: cost })`.
 *
 * @example
 * const ratelimit = new Ratelimit({ redis, limiter: slidingWindow() });
 * const window = { limit: 100, widthMs: 60_000 };
 * await ratelimit.limit(packIdentifier({ requests: 1, charges: [{ key: "ip:192.0.2.1", windows: [window] }] }));
 */
export function packIdentifier({ charges, requests }) {
  const packed = [
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
/** The reverse. `Ratelimit` has put `<prefix>:` before the identifier. */
export function unpackIdentifier(identifier, prefix) {
  const [requests, charges] = JSON.parse(identifier.slice(prefix.length + 1));
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
