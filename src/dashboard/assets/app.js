// @ts-check
import { createCharts } from "./charts.js";
import { pointOf } from "./figures.js";
import { createInspector } from "./inspector.js";
import { follow } from "./live.js";
import { showFigures } from "./tables.js";
import { showRequests } from "./waterfall.js";

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/** The prefix of Strata's own routes: "", or "/__strata" if an HTTP origin is at the root. */
const base = location.pathname.replace(/\/dashboard\/?$/, "");
const TOKEN = "strata-admin-token";
/** The charts show at most this many points: one point a second, for five minutes. */
const MAX_POINTS = 300;
/** Each rate is an average over this many seconds, so that it does not jump. */
const RATE_SECONDS = 5;

const token = () => sessionStorage.getItem(TOKEN) ?? "";
const charts = createCharts();
/** @type {any[]} */
let summaries = [];
/** @type {any[]} */
let points = [];

const STATES = {
  live: "live",
  lost: "connection lost, reconnecting",
  refused: "refused: enter the admin token",
};

const stream = follow({
  url: `${base}/dashboard/live`,
  token,
  onState(state) {
    byId("state").textContent = STATES[state];
    byId("state").className = state;
  },
  onData(summary) {
    summaries = [...summaries, summary].slice(-RATE_SECONDS - 1);
    const first = summaries[0];
    const point = first === summary ? undefined : pointOf(summary, first);
    if (point !== undefined) {
      points = [...points, point].slice(-MAX_POINTS);
      charts.draw(points);
    }
    showFigures(summary, point);
    showRequests(summary.traces);
  },
});

createInspector({ base, token });

byId("token-form").addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, byId("token").value.trim());
  byId("token").value = "";
  byId("token-state").textContent = "Token kept for this tab.";
  stream.restart();
});

byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset["theme"]
    ? root.dataset["theme"] === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset["theme"] = dark ? "light" : "dark";
  charts.rebuild();
  charts.draw(points);
});
