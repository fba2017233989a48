// @ts-check
/** The shop demo: the parts of the page, and what they share. */
import { createAccount } from "./account.js";
import { showAnswer } from "./answers.js";
import { createAsk } from "./ask.js";
import { createCatalogue } from "./catalogue.js";
import { createChat } from "./chat.js";
import { byId } from "./dom.js";
import { createProduct } from "./product.js";

const ask = createAsk(showAnswer);

/** The routes of this Worker. A part of the page whose route is missing says so and sends no request. */
async function routes() {
  const index = await fetch("./", { headers: { accept: "application/json" }, cache: "no-store" });
  return /** @type {{ routes: string[] }} */ (await index.json()).routes;
}

try {
  const known = new Set(await routes());
  const has = (/** @type {string} */ route) => known.has(route);
  const { choose } = createProduct({ ask, has });
  createCatalogue({ ask, choose });
  createAccount({ ask, has });
  createChat({ ask, has });
} catch {
  byId("list-status").textContent = "The Worker did not answer. Load the page again.";
}
