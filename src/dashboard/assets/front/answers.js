// @ts-check
/** The list of the last answers: where each came from, and how long its steps took. */
import { sourceOf, stepsOf } from "./answer-fields.js";
import { byId, element } from "./dom.js";

const MAX_ANSWERS = 20;
const SVG = "http://www.w3.org/2000/svg";

/** @param {string} name @param {Record<string, string>} attributes */
function shape(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

/**
 * The bar is drawn with SVG attributes, because the Content-Security-Policy of the page forbids inline
 * styles. The text beside it says the same.
 * @param {{ x: number, width: number }[]} steps
 */
function barOf(steps) {
  const svg = shape("svg", { class: "steps", "aria-hidden": "true" });
  svg.append(shape("rect", { class: "whole", width: "100%", height: "100%" }));
  for (const [index, { x, width }] of steps.entries())
    svg.append(
      shape("rect", {
        class: index % 2 === 0 ? "step" : "step odd",
        x: `${x}%`,
        width: `${Math.max(0.5, width)}%`,
        height: "100%",
      }),
    );
  return svg;
}

/** @param {import("./ask.js").Answer} answer */
function itemOf({ method, path, status, headers, browserMs }) {
  const { status: cache, text, className } = sourceOf(headers);
  const { steps } = stepsOf(headers.get("Server-Timing"));
  const item = element("li");
  const request = element("div", "", "request");
  const badge = element("strong", cache || "–", className);
  badge.dataset["cache"] = cache;
  request.append(element("code", `${method} ${path}`), element("span", String(status)), badge);
  item.append(request, element("p", text, "fields"));
  item.append(barOf(steps), element("p", figuresOf(headers, steps, browserMs), "fields muted"));
  return item;
}

/** @param {Headers} headers @param {{ name: string, ms: number, outcome: string }[]} steps @param {number} browserMs */
function figuresOf(headers, steps, browserMs) {
  const age = headers.get("Age");
  const took = headers.get("X-Response-Time");
  const left = headers.get("X-RateLimit-Remaining");
  return [
    steps.length === 0
      ? "no steps outside memory"
      : steps
          .map(({ name, ms, outcome }) => `${name} ${ms} ms${outcome && ` (${outcome})`}`)
          .join(", "),
    took !== null && `${took.replace("ms", " ms")} in the Worker`,
    `${Math.round(browserMs)} ms in the browser`,
    age !== null && `age ${age} s`,
    left !== null && `${left} requests left`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @param {import("./ask.js").Answer} answer */
export function showAnswer(answer) {
  const list = byId("answers");
  list.prepend(itemOf(answer));
  while (list.children.length > MAX_ANSWERS) list.lastElementChild.remove();
}
