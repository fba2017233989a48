// @ts-check
/** The list of the last requests. Each row opens to show its steps. */

const list = () => /** @type {HTMLElement} */ (document.getElementById("requests"));

/** @param {string} tag @param {string} text @param {string} className */
function element(tag, text = "", className = "") {
  const node = document.createElement(tag);
  node.textContent = text;
  if (className !== "") node.className = className;
  return node;
}

/** @param {any} step @param {number} totalMs */
function bar(step, totalMs) {
  const row = element("li", "", "step");
  const failed = step.outcome.includes(".");
  row.append(
    element("span", step.name, "name"),
    element(
      "span",
      `${step.offsetMs} + ${step.ms} ms${step.outcome === "ok" ? "" : `, ${step.outcome}`}`,
      "what",
    ),
  );
  // The bar is drawn with SVG attributes, because the page's Content-Security-Policy forbids inline
  // styles.
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "track");
  svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const all = Math.max(1, totalMs, step.offsetMs + step.ms);
  rect.setAttribute("x", `${(100 * step.offsetMs) / all}%`);
  rect.setAttribute("width", `${Math.max(0.6, (100 * step.ms) / all)}%`);
  rect.setAttribute("height", "100%");
  rect.setAttribute("class", failed ? "failed" : "done");
  svg.append(rect);
  row.append(svg);
  return row;
}

/** @param {any} trace */
function requestOf(trace) {
  const item = element("li");
  item.dataset["trace"] = trace.traceId;
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.append(
    element("span", new Date(trace.at).toLocaleTimeString("en-GB"), "time"),
    element("span", trace.name, "name"),
    element("span", String(trace.status), trace.status >= 500 ? "status bad" : "status"),
    element("span", trace.cache || "–", "cache"),
    element("span", `${trace.ms} ms`, "ms"),
  );
  const steps = element("ol", "", "steps");
  const ordered = trace.steps.toSorted(
    (/** @type {any} */ a, /** @type {any} */ b) => a.offsetMs - b.offsetMs,
  );
  if (ordered.length === 0)
    steps.append(element("li", "no steps: the answer came from memory", "step"));
  for (const step of ordered) steps.append(bar(step, trace.ms));
  details.append(summary, steps, element("p", `trace ${trace.traceId}`, "trace"));
  item.append(details);
  return item;
}

/** @param {any[]} traces */
export function showRequests(traces) {
  const known = new Map(
    [...list().children].map((item) => [/** @type {HTMLElement} */ (item).dataset["trace"], item]),
  );
  const latest = traces.slice(-20).toReversed();
  const shown = latest.map((trace) => known.get(trace.traceId) ?? requestOf(trace));
  const focused = document.activeElement;
  // A request that the user has opened stays in the list, although newer requests have replaced it.
  const opened = [...list().children].filter(
    (item) => !shown.includes(item) && item.querySelector("details")?.open === true,
  );
  list().replaceChildren(...shown, ...opened);
  if (focused instanceof HTMLElement && list().contains(focused)) focused.focus();
}
