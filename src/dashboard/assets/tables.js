// @ts-check
import { figureText, show, total } from "./figures.js";
import {
  cronRows,
  dependencyRows,
  levelText,
  queueRows,
  sentences,
  timelineRows,
} from "./states.js";

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {string} id @param {[string, string][]} rows @param {string} emptyText */
function fill(id, rows, emptyText) {
  const body = byId(id);
  body.replaceChildren(...bodyOf(rows.length > 0 ? rows : [[emptyText, ""]]).children);
}

/** @param {[string, string][]} rows */
function bodyOf(rows) {
  const body = document.createElement("tbody");
  body.replaceChildren(
    ...rows.map(([name, value]) => {
      const row = document.createElement("tr");
      const head = document.createElement("th");
      head.scope = "row";
      head.textContent = name ?? "";
      const cell = document.createElement("td");
      cell.textContent = value ?? "";
      row.append(head, cell);
      return row;
    }),
  );
  return body;
}

/**
 * Shows the state of the queue. Null if it could not be asked for.
 * @param {{ paused: boolean, backlog?: number, oldestAt?: number, deadLetters: number } | null} state
 */
export function showQueue(state) {
  fill("queue", state === null ? [] : queueRows(state), "The database does not answer.");
}

/** Shows the figures, one table for each group. @param {[string, string, number][]} figures */
function showGroups(figures) {
  const groups = new Map(figures.map(([group]) => [group, /** @type {[string, string][]} */ ([])]));
  for (const [group, text, value] of figures) groups.get(group)?.push([text, figureText(value)]);
  byId("groups").replaceChildren(
    ...[...groups].map(([group, rows]) => {
      const section = document.createElement("section");
      const head = document.createElement("h2");
      head.textContent = group;
      const table = document.createElement("table");
      table.append(bodyOf(rows));
      section.append(head, table);
      return section;
    }),
  );
}

/** @param {Record<string, number>} counts @returns {[string, string][]} */
const rowsOf = (counts) =>
  Object.entries(counts)
    .toSorted((a, b) => b[1] - a[1])
    .map(([name, count]) => [name || "–", count.toLocaleString("en")]);

/** @param {[string, number, number][]} keys @returns {[string, string][]} */
const keyRows = (keys) =>
  keys
    .slice(0, 10)
    .map(([key, count, over]) => [
      key,
      over > 0 ? `≤ ${count.toLocaleString("en")}` : count.toLocaleString("en"),
    ]);

/**
 * Shows a summary in the tiles and tables.
 * @param {any} summary @param {any} point @param {number} unreachableForMs
 */
export function showFigures(summary, point, unreachableForMs) {
  const tile = (/** @type {string} */ id, /** @type {string} */ text) => {
    byId(id).textContent = text;
  };
  if (point) {
    tile("hit-ratio", show(point.hitRatio === null ? null : point.hitRatio * 100, " %"));
    tile("request-rate", show(point.requestsPerSecond, "/s"));
    tile("error-rate", show(point.errorsPerSecond, "/s", 2));
    byId("error-rate").classList.toggle("bad", point.errorRatio > 0.01);
    tile("p95", show(point.p95, " ms"));
    tile("offload", show(point.offload === null ? null : point.offload * 100, " %"));
    tile("saved", show(point.savedPerSecond, " s/s", 2));
    tile("cost", point.costPerThousand === null ? "–" : `$ ${point.costPerThousand.toFixed(4)}`);
  }
  fill("hot-keys", keyRows(summary.hot), "no lookups yet");
  fill("missed-keys", keyRows(summary.missed), "no misses yet");
  fill("limits", rowsOf(summary.ratelimit), "no decisions yet");
  if (point) fill("faults", rowsOf(point.faults), "no faults");
  const { level, text } = levelText(summary.states);
  tile("level", text);
  byId("level").className = level;
  byId("meanings").replaceChildren(
    ...sentences(summary.states, unreachableForMs).map((sentence) => {
      const item = document.createElement("li");
      item.textContent = sentence;
      return item;
    }),
  );
  fill("dependencies", dependencyRows(summary.states), "no isolate has reported yet");
  fill("timeline", timelineRows(summary.levelChanges), "no changes");
  fill("cron", cronRows(summary.cronRuns), "no run has been reported yet");
  showGroups(summary.figures);
  const { counts } = summary.purgeLag;
  const lagged = counts.reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b, 0);
  fill(
    "purges",
    [
      ...rowsOf(summary.purges),
      ["mean lag", lagged === 0 ? "–" : show((summary.purgeLag.sum / lagged) * 1000, " ms", 0)],
    ],
    "no purges",
  );
  fill(
    "store",
    [
      ["memory entries", summary.memoryEntries.toLocaleString("en")],
      ["memory size", show(summary.memoryBytes / 1024, " KiB", 0)],
      ["evictions", summary.evictions.toLocaleString("en")],
      ["Redis commands", summary.redisCommands.toLocaleString("en")],
      ["SQL queries", summary.sqlQueries.toLocaleString("en")],
      ["Durable Object calls", summary.durableCalls.toLocaleString("en")],
      ["negative hits", summary.negatives.toLocaleString("en")],
      ["served stale", total(summary.stale).toLocaleString("en")],
      ["telemetry dropped", total(summary.dropped).toLocaleString("en")],
    ],
    "",
  );
}
