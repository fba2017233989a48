// @ts-check
import { createAskAdmin } from "./admin.js";
import { createCharts } from "./charts.js";
import { createCompare } from "./compare.js";
import { livePointOf } from "./figures.js";
import { historyPoints, joinPoints } from "./history.js";
import { createInspector } from "./inspector.js";
import { follow } from "./live.js";
import { levelText } from "./states.js";
import { showFigures, showQueue } from "./tables.js";
import { showTimeline } from "./timeline.js";
import { showRequests } from "./waterfall.js";

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/** The prefix of Strata's own routes: "", or "/__strata" if an HTTP origin is at the root. */
const base = location.pathname.replace(/\/dashboard\/?$/, "");
const TOKEN = "strata-admin-token";
/** One live point a second. The feed ends after five minutes, and the next one begins with the history. */
const MAX_LIVE_POINTS = 330;
/** Each rate is an average over this many seconds, so that it does not jump. */
const RATE_SECONDS = 5;

const token = () => sessionStorage.getItem(TOKEN) ?? "";
const charts = createCharts();
/** @type {any[]} */
let summaries = [];
/** The points of the last hour before the feed began. @type {any[]} */
let past = [];
/** @type {any[]} */
let live = [];
/** The time for which stored values answer without the log, in milliseconds. */
let unreachableForMs = 60_000;

function draw() {
  const points = joinPoints(past, live, Number(byId("range").value));
  charts.draw(points);
  showTimeline(points);
}

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
  onData(event, data) {
    if (event === "history") {
      unreachableForMs = data.unreachableForMs;
      past = historyPoints(data);
      // The history has these live points too.
      live = live.filter(({ at }) => at > (past.at(-1)?.at ?? 0));
      draw();
      return;
    }
    if (event === "queue") {
      showQueue(data.state);
      return;
    }
    const summary = data;
    summaries = [...summaries, summary].slice(-RATE_SECONDS - 1);
    const first = summaries[0];
    const { level } = levelText(summary.states);
    const point = first === summary ? undefined : livePointOf(summary, first, level);
    if (point !== undefined) {
      live = [...live, point].slice(-MAX_LIVE_POINTS);
      draw();
    }
    showFigures(summary, point, unreachableForMs);
    showRequests(summary.traces);
  },
});

const ask = createAskAdmin({ base, token });
createInspector({ ask });
createCompare({ ask });

byId("token-form").addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, byId("token").value.trim());
  byId("token").value = "";
  byId("token-state").textContent = "Token kept for this tab.";
  stream.restart();
});

byId("range").addEventListener("change", draw);

// Without a choice, the page follows the system.
byId("theme").addEventListener("change", () => {
  const { value } = byId("theme");
  if (value === "") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = value;
  charts.rebuild();
});
