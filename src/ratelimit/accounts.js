import { charge, emptyBucket, room } from "./bucket.ts";
import { balanceOf } from "./balance.ts";
/** A refusal is asked about again after this long, so that a reset elsewhere is seen. */
export const MAX_REFUSAL_MS = 60000;
/** The refusal that holds at `now` for a request of `cost` tokens. */
export function refusalOf(known, cost, now) {
  const { refusal } = known;
  if (refusal === undefined) return undefined;
  // A clock that went back makes no refusal longer.
  if (now >= refusal.until || now < refusal.since) {
    known.refusal = undefined;
    return undefined;
  }
  return cost >= refusal.cost ? refusal : undefined;
}
/** The most tokens that an isolate gives on credit: a share of the narrowest limit, at least one. */
export function leaseOf(windows, share) {
  return Math.max(1, Math.ceil(Math.min(...windows.map(({ limit }) => limit)) * share));
}
/** How long a debt may wait for a reason to be settled: a quarter of the shortest span, at most a minute. */
export function settleAfter(windows) {
  return Math.min(60000, Math.min(...windows.map(({ widthMs }) => widthMs)) / 4);
}
/** The buckets with everything that this isolate has given and the ledger has not confirmed. */
function viewOf(known, now) {
  const given = known.debt + known.flying;
  return known.windows.map((window, w) =>
    charge(known.buckets[w] ?? emptyBucket(now), window, now, given),
  );
}
/** Whether the isolate, by what it knows, has room for `cost` more. */
export function fits(known, cost, now) {
  const given = known.debt + known.flying + known.asking + cost;
  return known.windows.every(
    (window, w) => room(known.buckets[w] ?? emptyBucket(now), window, now) >= given,
  );
}
export function balancesOf(known, now, cost = 0) {
  return viewOf(known, now).map((bucket, w) => balanceOf(bucket, known.windows[w], now, cost));
}
export function createAccountTable({ maxAccounts, maxOwing }) {
  const accounts = new Map();
  const owing = new Set();
  let forgiven = 0;
  function forgiveOldest() {
    for (const oldest of owing) {
      if (owing.size <= maxOwing) return;
      owing.delete(oldest);
      forgiven += oldest.debt;
      oldest.debt = 0;
    }
  }
  return {
    get(key, windows, now) {
      const found = accounts.get(key);
      // Taken out and put back at the end: the first of the map was not seen for longest.
      if (found !== undefined) accounts.delete(key);
      const known = found?.windows === windows ? found : adapt(found, key, windows, now);
      accounts.set(key, known);
      if (accounts.size > maxAccounts)
        for (const oldest of accounts.keys()) {
          accounts.delete(oldest);
          break;
        }
      return known;
    },
    peek: (key) => accounts.get(key),
    forget(key) {
      const known = accounts.get(key);
      if (known !== undefined) owing.delete(known);
      accounts.delete(key);
    },
    owe(known, tokens, now) {
      if (known.debt === 0) known.debtSince = now;
      known.debt += tokens;
      known.debtUntil = now;
      owing.add(known);
      if (owing.size > maxOwing) forgiveOldest();
    },
    owing: () => owing,
    settled: (known) => void owing.delete(known),
    stats: () => ({ accounts: accounts.size, owing: owing.size, forgiven }),
  };
}
/** A new account, or a known one whose windows are others now: the caller's plan has changed. */
function adapt(found, key, windows, now) {
  if (found === undefined)
    return {
      key,
      windows,
      buckets: windows.map(() => emptyBucket(now)),
      bucketsAt: -Infinity,
      debt: 0,
      debtSince: now,
      debtUntil: now,
      flying: 0,
      asking: 0,
      calls: [],
      refusal: undefined,
      heldUntil: -Infinity,
    };
  const before = found.windows;
  const buckets = windows.map(({ widthMs }) => {
    const index = before.findIndex((window) => window.widthMs === widthMs);
    return found.buckets[index] ?? emptyBucket(now);
  });
  // The same object: calls that are under way must find it.
  return Object.assign(found, { windows, buckets, refusal: undefined });
}
