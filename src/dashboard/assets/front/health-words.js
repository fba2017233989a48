// @ts-check
/** The report of /health in words. It uses no browser functions. */

/** @typedef {{ state: string, since?: string }} Dependency */
/** @typedef {{ status: string, level: string, pinnedUntil?: string, dependencies: Record<string, Dependency> }} Health */

/** @type {Record<string, { text: string, className: string }>} */
const LEVELS = {
  normal: { text: "Normal: all dependencies work.", className: "good" },
  degraded: {
    text: "Degraded: a dependency fails or is slow. Every request gets an answer.",
    className: "warn",
  },
  minimal: {
    text: "Minimal: the database fails. Reads get what is stored; writes are refused.",
    className: "bad",
  },
};
/** @type {Record<string, string>} */
const NAMES = {
  database: "Database",
  redis: "Redis",
  flights: "Flight objects",
  log: "Log objects",
  limits: "Rate limits",
  origin: "HTTP origin",
  queue: "Queue",
  telemetry: "Telemetry",
};

/** @param {Health | undefined} health */
export function stateText(health) {
  const level = health && LEVELS[health.level];
  if (level === undefined) return { text: "The state is not known.", className: "muted" };
  const pin = health?.pinnedUntil;
  if (pin === undefined) return level;
  return { ...level, text: `${level.text} An operator has set this level until ${timeOf(pin)}.` };
}

/**
 * One row for each dependency that fails or is slow.
 * @param {Health | undefined} health @returns {[string, string][]}
 */
export function failing(health) {
  return Object.entries(health?.dependencies ?? {}).flatMap(([name, { state, since }]) => {
    if (state === "up" || state === "unknown") return [];
    const when = since === undefined ? "" : ` since ${timeOf(since)}`;
    return [/** @type {[string, string]} */ ([NAMES[name] ?? name, `${state}${when}`])];
  });
}

/** @param {string} instant */
const timeOf = (instant) => `${instant.slice(11, 19)} UTC`;
