// @ts-check
/** The level of service and the states of the dependencies, as text. It uses no browser functions. */

/** @typedef {[name: string, state: string, isolates: number, since: number]} StateCount */
/** @typedef {{ at: number, from: string, to: string, cause: string }} LevelChange */

/** From the worst to the best. */
const LEVELS = ["minimal", "degraded", "normal"];
const STATES = ["down", "slow", "up", "unknown"];
/** @type {Record<string, string>} */
const NAMES = {
  sql: "Database",
  redis: "Redis",
  flight: "Flight objects",
  log: "Log objects",
  limiter: "Rate limits",
  session: "Sessions",
  http: "HTTP origin",
};
/** @type {Record<string, string>} */
const WORDS = {
  normal: "Normal: all dependencies work.",
  degraded: "Degraded: a dependency fails or is slow. Every request gets an answer.",
  minimal: "Minimal: the database fails. Reads get what is stored; writes are refused.",
};

const time = (/** @type {number} */ at) => new Date(at).toISOString().slice(11, 19);

/** @param {StateCount[]} states @param {string} name @param {string[]} order */
function worst(states, name, order) {
  const own = states.filter(([one]) => one === name);
  const isolates = own.reduce((sum, [, , count]) => sum + count, 0);
  const state = order.find((one) => own.some(([, other]) => other === one));
  const found = own.find(([, other]) => other === state);
  return found && { state: found[1], count: found[2], since: found[3], isolates };
}

/**
 * The level in words: the worst level of any isolate, and in how many of them.
 * @param {StateCount[]} states
 */
export function levelText(states) {
  const level = worst(states, "level", LEVELS);
  if (level === undefined) return { level: "unknown", text: "No isolate has reported yet." };
  const { state, count, isolates, since } = level;
  const where =
    state === "normal" ? "" : ` In ${count} of ${isolates} isolates, since ${time(since)}.`;
  return { level: state, text: `${WORDS[state] ?? state}${where}` };
}

/**
 * One row for each dependency: its name, and its worst state, since when, and in how many isolates.
 * @param {StateCount[]} states @returns {[string, string][]}
 */
export function dependencyRows(states) {
  return Object.entries(NAMES).flatMap(([name, label]) => {
    const found = worst(states, name, STATES);
    if (found === undefined) return [];
    const { state, count, isolates, since } = found;
    const text =
      state === "unknown"
        ? "not used yet"
        : `${state} since ${time(since)}${state === "up" ? "" : `, ${count} of ${isolates} isolates`}`;
    return [/** @type {[string, string]} */ ([label, text])];
  });
}

/** @param {LevelChange[]} changes @returns {[string, string][]} the newest first */
export function timelineRows(changes) {
  return changes
    .toReversed()
    .slice(0, 10)
    .map(({ at, from, to, cause }) => [time(at), `${from} to ${to}: ${cause}`]);
}
