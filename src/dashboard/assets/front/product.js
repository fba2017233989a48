// @ts-check
/** One product: its fields, its stock, and other products for its readers. */
import { sourceOf } from "./answer-fields.js";
import { euros, productItem } from "./catalogue.js";
import { byId, element, messageOf } from "./dom.js";
import { followStock } from "./stock.js";

/**
 * @typedef {import("./ask.js").Ask} Ask
 * @param {{ ask: (path: string, ask?: Ask) => Promise<Response>, has: (route: string) => boolean }} options
 */
export function createProduct({ ask, has }) {
  let id = 0;
  /** The page shows the answer to the last read only, because answers may arrive in another order. */
  let reads = 0;
  /** Kept in memory only, until the user leaves the page. */
  let token = "";
  const live = followStock({
    available: has("GET /stock/{id}/events"),
    onStock: (stock) => (byId("stock").textContent = String(stock)),
  });

  async function read() {
    const mine = ++reads;
    const status = byId("product-status");
    try {
      const response = await ask(`products/${id}`);
      const product = await response.json();
      if (mine !== reads) return;
      const source = sourceOf(response.headers);
      byId("source").replaceChildren(
        element("strong", source.status, source.className),
        ` ${source.text}`,
      );
      status.textContent = "";
      byId("product-title").textContent = product.name;
      byId("description").textContent = product.description;
      byId("price").textContent = euros(product.priceCents);
      byId("stock").textContent = String(product.stock);
      byId("product").hidden = false;
    } catch (error) {
      if (mine === reads) status.textContent = messageOf(error);
    }
  }

  async function recommend() {
    const wanted = id;
    const list = byId("recommendations");
    try {
      const { basis, items } = await (await ask(`products/${wanted}/recommendations`)).json();
      if (wanted !== id) return;
      byId("basis").textContent = items.length === 0 ? "None at the moment." : `Basis: ${basis}`;
      list.replaceChildren(
        ...items.map((/** @type {any} */ product) => productItem(product, choose)),
      );
    } catch (error) {
      byId("basis").textContent = messageOf(error);
      list.replaceChildren();
    }
  }

  /** @param {number} chosen */
  async function choose(chosen) {
    id = chosen;
    for (const button of document.querySelectorAll("[data-product]"))
      button.setAttribute(
        "aria-current",
        String(/** @type {HTMLElement} */ (button).dataset["product"] === String(id)),
      );
    byId("stock-status").textContent = "";
    live.follow(id);
    await read();
    byId("product-title").focus();
    await recommend();
  }

  async function changeStock() {
    const status = byId("stock-status");
    const field = byId("admin-token");
    if (field.value !== "") token = field.value.trim();
    field.value = "";
    if (token === "") {
      status.textContent = "Enter the admin token first.";
      field.focus();
      return;
    }
    try {
      const response = await ask(`products/${id}/stock`, {
        method: "PATCH",
        token,
        body: { stock: Number(byId("new-stock").value) },
      });
      const invalidation = response.headers.get("X-Invalidation");
      status.textContent = `Changed. Invalidation: ${invalidation ?? "not told"}.`;
      await read();
    } catch (error) {
      status.textContent = messageOf(error);
    }
  }

  byId("again").addEventListener("click", read);
  byId("stock-form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    void changeStock();
  });
  return { choose };
}
