// @ts-check
/** The stock of one product, live: server-sent events of `GET /stock/:id/events`. */
import { byId } from "./dom.js";

/** Updates have no name. A new listener gets the present stock as a `snapshot`. */
const KINDS = ["message", "snapshot"];

/** @param {{ available: boolean, onStock: (stock: number) => void }} options */
export function followStock({ available, onStock }) {
  /** @type {EventSource | undefined} */
  let source;
  const say = (/** @type {string} */ text) => (byId("live").textContent = text);
  if (!available) say("This Worker has no live stock.");

  return {
    /** Follows this product instead of the one before. @param {number} id */
    follow(id) {
      source?.close();
      if (!available) return;
      const mine = new EventSource(`stock/${id}/events`);
      source = mine;
      say("connecting");
      mine.addEventListener("open", () => say("connected"));
      for (const kind of KINDS)
        mine.addEventListener(kind, ({ data }) => {
          const { stock, timestamp } = JSON.parse(data);
          if (typeof stock !== "number") return;
          onStock(stock);
          say(`connected; this stock is of ${new Date(timestamp).toLocaleTimeString("en-GB")}`);
        });
      // The browser connects again by itself, unless the answer was an error.
      mine.addEventListener("error", () =>
        say(mine.readyState === EventSource.CLOSED ? "refused" : "connection lost, reconnecting"),
      );
    },
  };
}
