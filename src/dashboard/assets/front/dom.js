// @ts-check
/** @param {string} id @returns {any} the element with this id */
export const byId = (id) => document.getElementById(id);

/**
 * Makes an element. All text goes in as text, never as HTML.
 * @param {string} tag @param {string} [text] @param {string} [className]
 */
export function element(tag, text = "", className = "") {
  const node = document.createElement(tag);
  node.textContent = text;
  if (className !== "") node.className = className;
  return node;
}

/** @param {HTMLElement} list a `dl` @param {[string, string][]} rows */
export function showRows(list, rows) {
  list.replaceChildren(
    ...rows.flatMap(([name, text]) => [element("dt", name), element("dd", text)]),
  );
}

/** @param {unknown} error @returns {string} the text of an error, for the user */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
