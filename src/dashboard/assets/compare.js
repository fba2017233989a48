// @ts-check
/** Compares two settings over the recorded traffic: the two forms, a table and bars. */
import { show } from "./figures.js";

/** @typedef {{
 *   settings: string, eviction: string, maxBytes: number, maxEntries: number,
 *   memoryHitRatio: number, hitRatio: number, staleRatio: number, loadsPerMinute: number,
 *   loadMsPerMinute: number, memoryBytes: number, kindBytes: number,
 * }} Prediction
 */
/** @typedef {{
 *   kind: string, isolates: number, kinds: string[], rate: number, from: string | null,
 *   to: string | null, sampledReads: number, reads: number, a: Prediction | null, b: Prediction | null,
 * }} CompareAnswer
 */

const MIB = 2 ** 20;
const FIELDS = [
  "eviction",
  "maxMib",
  "maxEntries",
  "freshFor",
  "staleWhileRevalidate",
  "negativeFor",
];

/**
 * The settings of one form as the API takes them. An empty field is as it is now.
 * @param {Record<string, string>} fields
 */
export function settingsText(fields) {
  const settings = FIELDS.flatMap((name) => {
    const value = (fields[name] ?? "").trim();
    if (value === "") return [];
    return name === "maxMib"
      ? [`maxBytes=${Math.round(Number(value) * MIB)}`]
      : [`${name}=${value}`];
  });
  return settings.join(",") || "current";
}

const percent = (/** @type {number} */ ratio) => show(ratio * 100, " %");
const sizeText = (/** @type {number} */ bytes) =>
  bytes < MIB ? show(bytes / 1024, " KiB") : show(bytes / MIB, " MiB", 2);

/** The rows of the table: a figure, its values, and the lengths of its bars from 0 to 1. @param {Prediction} a @param {Prediction} b */
export function compareRows(a, b) {
  /** @param {string} name @param {(one: Prediction) => number} of @param {(value: number) => string} write @param {number} [whole] */
  const row = (name, of, write, whole = Math.max(of(a), of(b))) => ({
    name,
    values: [a, b].map((one) => write(of(one))),
    bars: [a, b].map((one) => (whole === 0 ? 0 : of(one) / whole)),
  });
  return [
    row("answered by memory", ({ memoryHitRatio }) => memoryHitRatio, percent, 1),
    row("answered by any tier", ({ hitRatio }) => hitRatio, percent, 1),
    row("answered stale", ({ staleRatio }) => staleRatio, percent, 1),
    row(
      "loads",
      ({ loadsPerMinute }) => loadsPerMinute,
      (value) => show(value, " /min"),
    ),
    row(
      "time of loads",
      ({ loadMsPerMinute }) => loadMsPerMinute / 1000,
      (value) => show(value, " s/min", 2),
    ),
    row("memory of an isolate", ({ memoryBytes }) => memoryBytes, sizeText),
    row("of it for the kind", ({ kindBytes }) => kindBytes, sizeText),
  ];
}

/** Describes the reads from which the figures were computed. @param {CompareAnswer} answer */
export function sourceText({ kind, kinds, isolates, rate, from, to, sampledReads, reads }) {
  if (from === null || to === null)
    return kinds.length === 0
      ? "No reads were recorded yet."
      : `No reads of ${kind} were recorded. Recorded kinds: ${kinds.join(", ")}.`;
  const share = rate === 1 ? "all keys" : `${show(rate * 100, " %", 2)} of the keys`;
  return `Simulated with ${sampledReads.toLocaleString("en")} of ${reads.toLocaleString("en")} reads of ${kind} in ${isolates} ${isolates === 1 ? "isolate" : "isolates"}, ${from.slice(11, 19)} to ${to.slice(11, 19)} UTC, ${share}.`;
}

const SVG = "http://www.w3.org/2000/svg";

/** @param {number} share @param {string} side */
function bar(share, side) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "track");
  svg.setAttribute("viewBox", "0 0 100 10");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS(SVG, "rect");
  rect.setAttribute("class", side);
  rect.setAttribute("width", String(Math.max(0, Math.min(1, share)) * 100));
  rect.setAttribute("height", "10");
  svg.append(rect);
  return svg;
}

/** @param {CompareAnswer} answer @returns {HTMLElement[]} */
function tableOf({ a, b }) {
  if (a === null || b === null) return [];
  const table = document.createElement("table");
  const head = document.createElement("thead");
  const names = document.createElement("tr");
  for (const text of ["Figure", `A: ${a.settings}`, `B: ${b.settings}`]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = text.replaceAll(",", ", ");
    names.append(cell);
  }
  head.append(names);
  const body = document.createElement("tbody");
  for (const { name, values, bars } of compareRows(a, b)) {
    const row = document.createElement("tr");
    const label = document.createElement("th");
    label.scope = "row";
    label.textContent = name;
    row.append(label);
    for (const [index, side] of ["a", "b"].entries()) {
      const cell = document.createElement("td");
      cell.append(values[index] ?? "", bar(bars[index] ?? 0, side));
      row.append(cell);
    }
    body.append(row);
  }
  table.append(head, body);
  return [table];
}

/** @param {{ ask: import("./admin.js").AskAdmin }} options */
export function createCompare({ ask }) {
  const form = /** @type {HTMLFormElement} */ (document.getElementById("compare-form"));
  const status = /** @type {HTMLElement} */ (document.getElementById("compare-status"));
  const result = /** @type {HTMLElement} */ (document.getElementById("compare-result"));

  /** @param {string} name @returns {string} */
  const valueOf = (name) => /** @type {any} */ (form.elements.namedItem(name)).value;

  /** @param {string} side */
  const settingsOf = (side) =>
    settingsText(Object.fromEntries(FIELDS.map((name) => [name, valueOf(`${side}-${name}`)])));

  async function compare() {
    status.className = "";
    status.textContent = "…";
    const query = new URLSearchParams({
      kind: valueOf("kind").trim(),
      a: settingsOf("a"),
      b: settingsOf("b"),
    });
    try {
      const response = await ask(`compare?${query.toString()}`);
      /** @type {CompareAnswer} */
      const answer = await response.json();
      result.replaceChildren(...tableOf(answer));
      status.textContent = sourceText(answer);
    } catch (error) {
      status.className = "bad";
      status.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void compare();
  });
}
