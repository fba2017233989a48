// @ts-check
/** The front door: the state of the Worker in words, and what the JSON index lists. */
import { byId, element, showRows } from "./dom.js";
import { failing, stateText } from "./health-words.js";

/** The milliseconds between two readings of the state. The limit of /health is 120 a minute. */
const REFRESH_MS = 5_000;

/** @param {string} url */
async function read(url) {
  const response = await fetch(url, { headers: { accept: "application/json" }, cache: "no-store" });
  const isJson = response.headers.get("content-type")?.includes("application/json");
  return { status: response.status, body: isJson ? await response.json() : undefined };
}

async function showState() {
  const state = byId("state");
  try {
    const { body } = await read("health");
    const { text, className } = stateText(body);
    state.textContent = text;
    state.className = `state ${className}`;
    showRows(byId("dependencies"), failing(body));
  } catch {
    state.textContent = "The Worker did not answer.";
    state.className = "state bad";
  }
}

async function showIndex() {
  const { body } = await read("./");
  showRows(byId("headers"), Object.entries(body.headers));
  byId("routes").replaceChildren(
    ...body.routes.map((/** @type {string} */ route) => {
      const item = element("li");
      item.append(element("code", route));
      return item;
    }),
  );
}

for (const span of document.querySelectorAll("[data-origin]")) span.textContent = location.origin;
void showState();
void showIndex();
setInterval(() => {
  if (document.visibilityState === "visible") void showState();
}, REFRESH_MS);
