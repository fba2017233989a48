// @ts-check
/** The strip of the level of service, over the span of time that the charts show. */
import { levelSpans } from "./history.js";
import { time } from "./states.js";

const SVG = "http://www.w3.org/2000/svg";

/** @param {{ at: number, level: string }[]} points */
export function showTimeline(points) {
  const strip = /** @type {HTMLElement} */ (document.getElementById("level-strip"));
  const spans = levelSpans(points);
  const begin = spans[0]?.from ?? 0;
  const length = Math.max(1, (spans.at(-1)?.to ?? 0) - begin);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "strip");
  svg.setAttribute("role", "img");
  const words = spans.map(
    ({ from, to, level }) => `${level} from ${time(from * 1000)} to ${time(to * 1000)}`,
  );
  const worse = words.filter((_, i) => !["normal", "unknown"].includes(spans[i]?.level ?? ""));
  svg.setAttribute("aria-label", `Level of service: ${worse.join(", ") || "never below normal"}`);
  for (const [i, { from, to, level }] of spans.entries()) {
    const rect = document.createElementNS(SVG, "rect");
    rect.setAttribute("x", `${(100 * (from - begin)) / length}%`);
    // A short span stays visible.
    rect.setAttribute("width", `${Math.max(0.3, (100 * (to - from)) / length)}%`);
    rect.setAttribute("height", "100%");
    rect.setAttribute("class", level);
    const title = document.createElementNS(SVG, "title");
    title.textContent = words[i] ?? "";
    rect.append(title);
    svg.append(rect);
  }
  strip.replaceChildren(svg);
}
