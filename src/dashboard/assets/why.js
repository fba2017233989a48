// @ts-check
/** Shows the answer of /admin/why as text. It builds elements, and asks nothing itself. */

/** @typedef {{ code: string, text: string }} Reason */
/**
 * @typedef {{
 *   key: string, policy: Record<string, unknown> | null, tags: string[], tiers: any[], next: Reason,
 *   last: { at: string, status: string, missed: Reason, result: Reason } | null,
 * }} KeyReport
 */
/** @typedef {{ route: { status: number, why: Reason } | null, keys: KeyReport[] }} WhyAnswer */

/**
 * The rows of one key: what is asked, and the answer.
 * @param {KeyReport} report @returns {[string, string][]}
 */
export function keyRows({ next, last, tags, policy }) {
  return [
    ["the next read", next.text],
    ...(last === null
      ? /** @type {[string, string][]} */ ([
          ["the last miss", "This isolate remembers no read of the key that no tier answered."],
        ])
      : /** @type {[string, string][]} */ ([
          [`the last ${last.status}, at ${last.at.slice(11, 19)}`, last.missed.text],
          ["its result", last.result.text],
        ])),
    ["tags", tags.join(", ") || "–"],
    ["policy", policy === null ? "not known" : policyText(policy)],
  ];
}

/** @param {Record<string, unknown>} policy */
function policyText(policy) {
  return Object.entries(policy)
    .filter(([, value]) => value !== null)
    .map(([name, value]) =>
      name.endsWith("Ms")
        ? `${name.slice(0, -2)} ${Number(value) / 1000} s`
        : `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`,
    )
    .join(", ");
}

/**
 * @param {WhyAnswer} answer @param {(tier: any) => HTMLElement} card
 * @returns {HTMLElement[]}
 */
export function whyElements({ route, keys }, card) {
  const sections = keys.map((report) => {
    const section = document.createElement("section");
    section.className = "why";
    const head = document.createElement("h3");
    head.textContent = report.key;
    const list = document.createElement("dl");
    for (const [name, value] of keyRows(report)) {
      const term = document.createElement("dt");
      term.textContent = name;
      const text = document.createElement("dd");
      text.textContent = value;
      list.append(term, text);
    }
    const tiers = document.createElement("div");
    tiers.className = "tables";
    tiers.append(...report.tiers.map(card));
    section.append(head, list, tiers);
    return section;
  });
  if (route === null) return sections;
  const text = document.createElement("p");
  text.textContent = route.why.text;
  return [text, ...sections];
}
