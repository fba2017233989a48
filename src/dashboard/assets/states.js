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

/** The time of day in UTC. */
export const time = (/** @type {number} */ at) => new Date(at).toISOString().slice(11, 19);

/** @param {StateCount[]} states @param {string} name @param {string[]} order */
function worst(states, name, order) {
  const own = states.filter(([one]) => one === name);
  const isolates = own.reduce((sum, [, , count]) => sum + count, 0);
  const state = order.find((one) => own.some(([, other]) => other === one));
  const found = own.find(([, other]) => other === state);
  return found && { state: found[1], count: found[2], since: found[3], isolates };
}

/**
 * What the state of a dependency means for the answers. `seconds` is the time for which stored values
 * answer without the log.
 * @type {Record<string, { down: (seconds: number) => string, slow: (seconds: number) => string }>}
 */
const MEANINGS = {
  sql: {
    down: () => "stored values answer, other reads fail, and writes are refused",
    slow: () => "misses and writes take longer",
  },
  redis: {
    down: (seconds) =>
      `answers may be up to ${seconds} s old, new values stay in their data centre, and invalidations wait`,
    slow: () => "misses take longer",
  },
  flight: {
    down: () => "each isolate loads by itself, so the origin gets more loads",
    slow: () => "misses take longer",
  },
  log: {
    down: () => "isolates ask Redis themselves, which costs more commands",
    slow: () => "isolates ask Redis themselves, which costs more commands",
  },
  limiter: {
    down: () => "each isolate counts by itself, so clients may get more than their limit",
    slow: () => "each isolate counts by itself, so clients may get more than their limit",
  },
  http: {
    down: () => "stored responses answer, and other proxied requests fail",
    slow: () => "proxied misses take longer",
  },
};

/**
 * One sentence for each dependency that does not work: since when, and what it means for answers.
 * @param {StateCount[]} states @param {number} unreachableForMs
 * @returns {string[]}
 */
export function sentences(states, unreachableForMs) {
  return Object.entries(NAMES).flatMap(([name, label]) => {
    const found = worst(states, name, STATES);
    const meaning = MEANINGS[name];
    if (found === undefined || meaning === undefined) return [];
    const { state, count, isolates, since } = found;
    if (state !== "down" && state !== "slow") return [];
    const verb = `${label.endsWith("s") && name !== "redis" ? "are" : "is"} ${state === "down" ? "away" : "slow"}`;
    const where = count === isolates ? "" : ` in ${count} of ${isolates} isolates`;
    const effect = meaning[state](Math.round(unreachableForMs / 1000));
    return [`${label} ${verb} since ${time(since).slice(0, 5)}${where}; ${effect}.`];
  });
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
        ? "no fault; not checked yet"
        : `${state} since ${time(since)}${state === "up" ? "" : `, ${count} of ${isolates} isolates`}`;
    return [/** @type {[string, string]} */ ([label, text])];
  });
}

/**
 * One row for each task of the cron trigger: its last outcome, and when.
 * @param {[task: string, outcome: string, at: number][]} runs @returns {[string, string][]}
 */
export function cronRows(runs) {
  return runs
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([task, outcome, at]) => [task, `${outcome} at ${time(at)}`]);
}

/**
 * @param {{ paused: boolean, backlog?: number, oldestAt?: number, deadLetters: number }} state
 * @returns {[string, string][]}
 */
export function queueRows({ paused, backlog, oldestAt, deadLetters }) {
  return [
    ["messages in the queue", backlog === undefined ? "–" : backlog.toLocaleString("en")],
    ["the oldest was sent at", oldestAt === undefined ? "–" : time(oldestAt)],
    ["dead letters", deadLetters.toLocaleString("en")],
    ["consumer", paused ? "paused" : "running"],
  ];
}

/** @param {LevelChange[]} changes @returns {[string, string][]} the newest first */
export function timelineRows(changes) {
  return changes
    .toReversed()
    .slice(0, 10)
    .map(({ at, from, to, cause }) => [time(at), `${from} to ${to}: ${cause}`]);
}
