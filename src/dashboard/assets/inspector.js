// @ts-check
/** The inspector. It explains and looks up keys, purges entries and warms keys, with the admin token. */
import { whyElements } from "./why.js";

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/** @param {{ ask: import("./admin.js").AskAdmin }} options */
export function createInspector({ ask }) {
  const showStatus = (/** @type {string} */ text, bad = false) => {
    byId("inspect-status").textContent = text;
    byId("inspect-status").className = bad ? "bad" : "";
  };

  /** @param {any} tier */
  function card(tier) {
    const section = document.createElement("section");
    section.className = "tier";
    const head = document.createElement("h3");
    head.textContent = tier.tier;
    const list = document.createElement("dl");
    const rows =
      tier.state === "held"
        ? [
            ["state", tier.verdict],
            [
              "kind",
              tier.kind === "absent" ? "negative" : `value${tier.status ? `, ${tier.status}` : ""}`,
            ],
            ["age", `${tier.ageSeconds} s`],
            ["fresh for", `${tier.freshForSeconds} s`],
            ["size", `${tier.size}`],
            ["tags", tier.tags.join(", ") || "–"],
            ["asOf", String(tier.asOf)],
            ["etag", tier.etag || "–"],
          ]
        : [["state", tier.state === "failed" ? tier.fault : "absent"]];
    for (const [name, value] of rows) {
      const term = document.createElement("dt");
      term.textContent = name ?? "";
      const text = document.createElement("dd");
      text.textContent = value ?? "";
      list.append(term, text);
    }
    section.append(head, list);
    return section;
  }

  /** Asks about a path if the text begins with a slash, and about a key otherwise. */
  async function why() {
    const value = byId("key").value.trim();
    const name = value.startsWith("/") ? "url" : "key";
    const response = await ask(`why?${name}=${encodeURIComponent(value)}`);
    byId("tiers").replaceChildren(...whyElements(await response.json(), card));
    showStatus(`Explained ${value}.`);
  }

  async function look() {
    const key = byId("key").value.trim();
    const response = await ask(`entry?key=${encodeURIComponent(key)}`);
    const { tiers } = await response.json();
    const cards = document.createElement("div");
    cards.className = "tables";
    cards.append(...tiers.map(card));
    byId("tiers").replaceChildren(cards);
    showStatus(`Looked up ${key}.`);
  }

  /** @param {boolean} soft */
  async function purge(soft) {
    const value = byId("key").value.trim();
    const target = byId("target").value;
    const response = await ask("purge", {
      method: "POST",
      body: JSON.stringify({ [target]: [value], ...(soft && { soft }) }),
    });
    const { invalidation } = await response.json();
    showStatus(`Purged ${value}${soft ? ", softly" : ""}: ${invalidation}.`);
    if (target === "keys") {
      await look();
      showStatus(`Purged ${value}${soft ? ", softly" : ""}: ${invalidation}.`);
    }
  }

  async function warm() {
    const response = await ask("warm", {
      method: "POST",
      body: JSON.stringify({ kind: byId("kind").value }),
    });
    const lines = (await response.text()).trim().split("\n");
    showStatus(`Warmed: ${lines.at(-1)}`);
  }

  /** @param {string} id @param {() => Promise<void>} action */
  function on(id, action) {
    byId(id).addEventListener("click", async () => {
      showStatus("…");
      try {
        await action();
      } catch (error) {
        showStatus(error instanceof Error ? error.message : String(error), true);
      }
    });
  }

  on("look", look);
  on("why", why);
  on("purge-hard", () => purge(false));
  on("purge-soft", () => purge(true));
  on("warm", warm);
}
