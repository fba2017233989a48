// @ts-check
/** The list of products: one page, of one category or of all. */
import { byId, element, messageOf } from "./dom.js";

export const euros = (/** @type {number} */ cents) => `${(cents / 100).toFixed(2)} €`;

/** @param {{ id: number, name: string, priceCents: number }} product @param {(id: number) => Promise<void>} choose */
export function productItem({ id, name, priceCents }, choose) {
  const item = element("li");
  const button = element("button");
  button.setAttribute("type", "button");
  button.dataset["product"] = String(id);
  button.append(element("span", name), element("span", euros(priceCents), "price"));
  button.addEventListener("click", () => void choose(id));
  item.append(button);
  return item;
}

/** @param {{ ask: (path: string) => Promise<Response>, choose: (id: number) => Promise<void> }} options */
export function createCatalogue({ ask, choose }) {
  let page = 1;

  async function show() {
    const category = byId("category").value;
    const filter = category === "" ? "" : `&category=${category}`;
    try {
      const { items, pageSize, total } = await (await ask(`products?page=${page}${filter}`)).json();
      const pages = Math.max(1, Math.ceil(total / pageSize));
      byId("list-status").textContent = total === 0 ? "There is no product." : "";
      byId("products").replaceChildren(
        ...items.map((/** @type {any} */ product) => productItem(product, choose)),
      );
      byId("page").textContent = `Page ${page} of ${pages}`;
      byId("previous").disabled = page <= 1;
      byId("next").disabled = page >= pages;
    } catch (error) {
      byId("list-status").textContent = messageOf(error);
    }
  }

  /** @param {number} by */
  function turn(by) {
    page += by;
    return show();
  }
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  byId("category").addEventListener("change", () => turn(1 - page));
  byId("filter").addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());

  async function showCategories() {
    try {
      const { items } = await (await ask("categories")).json();
      for (const { id, name } of items) {
        const option = element("option", name);
        option.setAttribute("value", String(id));
        byId("category").append(option);
      }
    } catch {
      // The list shows the reason, and works without the filter.
    }
  }

  void showCategories();
  void show();
}
