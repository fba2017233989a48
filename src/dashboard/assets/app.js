// @ts-check
import { createCharts } from "./charts.js";
import { pointOf } from "./figures.js";
import { createInspector } from "./inspector.js";
import { follow } from "./live.js";
import { showFigures } from "./tables.js";
import { showRequests } from "./waterfall.js";

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/** Where this page is: "" or the prefix that another origin at the root leaves. */
const base = location.pathname.replace(/\/dashboard\/?$/, "");
const TOKEN = "strata-admin-token";
/** Points of the charts: five minutes. */
const KEPT = 300;
/** Rates are of this many seconds, so that they do not tremble. */
const WINDOW = 5;

const token = () => sessionStorage.getItem(TOKEN) ?? "";
const charts = createCharts();
/** @type {any[]} */
let summaries = [];
/** @type {any[]} */
let points = [];

const STATES = {
  live: "live",
  lost: "connection lost, trying again",
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
    summaries = [...summaries, summary].slice(-WINDOW - 1);
    const first = summaries[0];
    const point = first === summary ? undefined : pointOf(summary, first);
    if (point !== undefined) {
      points = [...points, point].slice(-KEPT);
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
