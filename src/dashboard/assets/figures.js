// @ts-check
/** Computes the figures of the page from totals. It uses no browser functions, so that tests need no browser. */

/** @typedef {Record<string, number>} Counts */
/** @typedef {{ bounds: number[], counts: number[], sum: number }} Buckets */

/** The prices of one unit in dollars. Change them to the prices of your plan. */
export const PRICES = {
  request: 0.3e-6,
  redisCommand: 0.2e-5,
  durableCall: 0.15e-6,
  // The database's compute costs about $0.16 an hour. It is assumed to run for the duration of
  // loads.
  originSecond: 0.16 / 3600,
};

/** @param {Counts} counts */
export const total = (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);

/**
 * Returns the differences between two sets of totals. A total that is lower than before was reset
 * to zero in between.
 * @param {Counts} now @param {Counts} before @returns {Counts}
 */
export function added(now, before) {
  /** @type {Counts} */
  const out = {};
  for (const [name, count] of Object.entries(now)) out[name] = grown(count, before[name] ?? 0);
  return out;
}

/** @param {number} now @param {number} before */
export const grown = (now, before) => (now >= before ? now - before : now);

/**
 * @param {Buckets} now @param {Buckets} before @returns {Buckets}
 */
export function addedBuckets(now, before) {
  return {
    bounds: now.bounds,
    counts: now.counts.map((count, i) => grown(count, before.counts[i] ?? 0)),
    sum: grown(now.sum, before.sum),
  };
}

/**
 * Estimates a quantile as Prometheus does, by linear interpolation in its bucket. Null without data.
 * @param {Buckets} buckets @param {number} q @returns {number | null}
 */
export function quantile({ bounds, counts }, q) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  const rank = q * all;
  let below = 0;
  for (const [i, count] of counts.entries()) {
    const upper = bounds[i];
    // The last bucket has no upper bound, so its values cannot be interpolated.
    if (upper === undefined) return bounds.at(-1) ?? null;
    if (below + count >= rank && count > 0) {
      const lower = i === 0 ? 0 : (bounds[i - 1] ?? 0);
      return lower + ((upper - lower) * (rank - below)) / count;
    }
    below += count;
  }
  return bounds.at(-1) ?? null;
}

/** The tiers that answer lookups, the nearest first. */
export const TIERS = /** @type {const} */ ([
  "memory",
  "edge",
  "redis",
  "stale",
  "joined",
  "origin",
]);

/** @param {Counts} lookups @returns {Record<(typeof TIERS)[number], number>} */
export function byTier(lookups) {
  const of = (/** @type {string} */ name) => lookups[name] ?? 0;
  return {
    memory: of("hit-memory"),
    edge: of("hit-edge"),
    redis: of("hit-redis"),
    stale: of("stale") + of("stale-on-error"),
    joined: of("joined"),
    origin: of("miss") + of("bypass"),
  };
}

/**
 * What happened in a span of time.
 * @typedef {{
 *   at: number, seconds: number, level: string, lookups: Counts, latency: Buckets,
 *   requests: number, refused: number, errors: number, faults: number,
 *   loads: number, loadSeconds: number, redisCommands: number, durableCalls: number,
 * }} Increment
 */

/**
 * Computes one point of the charts.
 * @param {Increment} increment
 * @param {number | null} loadCost the seconds of a typical load, if they are known
 */
export function pointOf(increment, loadCost = null) {
  const { seconds, requests, errors, loads } = increment;
  const tiers = byTier(increment.lookups);
  const lookups = total(tiers);
  const cost = {
    requests: requests * PRICES.request,
    redis: increment.redisCommands * PRICES.redisCommand,
    durable: increment.durableCalls * PRICES.durableCall,
    origin: increment.loadSeconds * PRICES.originSecond,
  };
  return {
    /** The end of the span, in seconds. */
    at: increment.at / 1000,
    level: increment.level,
    shares: TIERS.map((tier) => (lookups === 0 ? null : (100 * tiers[tier]) / lookups)),
    requestsPerSecond: requests / seconds,
    errorsPerSecond: errors / seconds,
    refusedPerSecond: increment.refused / seconds,
    faultsPerSecond: increment.faults / seconds,
    /** The share of responses with status 5xx. */
    errorRatio: requests === 0 ? null : errors / requests,
    lookupsPerSecond: lookups / seconds,
    loadsPerSecond: loads / seconds,
    p50: millis(quantile(increment.latency, 0.5)),
    p95: millis(quantile(increment.latency, 0.95)),
    p99: millis(quantile(increment.latency, 0.99)),
    hitRatio: lookups === 0 ? null : 1 - (tiers.origin + tiers.joined) / lookups,
    offload: lookups === 0 ? null : Math.max(0, 1 - loads / lookups),
    /** The seconds of origin work that the cache saves in each second. */
    savedPerSecond: loadCost === null ? null : (Math.max(0, lookups - loads) * loadCost) / seconds,
    costPerThousand: requests === 0 ? null : (total(cost) * 1000) / requests,
  };
}

/**
 * Computes one point of the charts, and the faults by their code, from two summaries of the live feed.
 * @param {any} now @param {any} before @param {string} level
 */
export function livePointOf(now, before, level = "unknown") {
  const responses = added(now.responses, before.responses);
  const faults = Object.fromEntries(
    Object.entries(added(now.faults, before.faults)).filter(([, count]) => count > 0),
  );
  const failures = Object.entries(responses).filter(([status]) => status >= "500");
  const increment = {
    at: now.at,
    seconds: Math.max(0.001, (now.at - before.at) / 1000),
    level,
    lookups: added(now.lookups, before.lookups),
    latency: addedBuckets(now.latency, before.latency),
    requests: total(responses),
    refused: responses["429"] ?? 0,
    errors: total(Object.fromEntries(failures)),
    faults: total(faults),
    loads: total(added(now.loads, before.loads)),
    loadSeconds: addedBuckets(now.loadCost, before.loadCost).sum,
    redisCommands: grown(now.redisCommands, before.redisCommands),
    durableCalls: grown(now.durableCalls, before.durableCalls),
  };
  return { ...pointOf(increment, quantile(now.loadCost, 0.5) ?? 0), faults };
}

/** @param {number | null} seconds */
const millis = (seconds) => (seconds === null ? null : seconds * 1000);

/**
 * The text of a figure of any size. The dollars of a few answers are a small fraction, so that a fixed
 * number of decimals would show them as 0.
 * @param {number} value
 */
export function figureText(value) {
  return Math.abs(value) < 1000 && !Number.isInteger(value)
    ? value.toLocaleString("en", { maximumSignificantDigits: 3 })
    : Math.round(value).toLocaleString("en");
}

/** Formats a figure; "–" if there is none. @param {number | null | undefined} value @param {string} unit @param {number} digits */
export function show(value, unit = "", digits = 1) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const text = value >= 1000 ? Math.round(value).toLocaleString("en") : value.toFixed(digits);
  return `${text}${unit}`;
}
