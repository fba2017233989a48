// @ts-check
/** A question to a persona. The answer arrives as a stream of server-sent events. */
import { byId, messageOf } from "./dom.js";

/** The last event of a whole answer. */
const DONE = "[DONE]";
const CUT_OFF = "The answer was cut off.";

/**
 * @typedef {import("./ask.js").Ask} Ask
 * @param {{ ask: (path: string, ask?: Ask) => Promise<Response>, has: (route: string) => boolean }} options
 */
export function createChat({ ask, has }) {
  const say = (/** @type {string} */ text) => (byId("chat-status").textContent = text);
  if (!has("POST /chat")) {
    say("This Worker has no chat.");
    for (const control of byId("chat-form").elements) control.disabled = true;
    return;
  }

  async function send() {
    const answer = byId("chat-answer");
    answer.textContent = "";
    say("…");
    try {
      const response = await ask("chat", {
        method: "POST",
        accept: "text/event-stream",
        body: { persona: byId("persona").value, message: byId("message").value, stream: true },
      });
      let isWhole = false;
      for await (const { name, data } of eventsOf(response)) {
        if (name === "error") throw new Error(JSON.parse(data).detail ?? CUT_OFF);
        isWhole ||= data === DONE;
        answer.append(textOf(data));
      }
      say(isWhole ? "" : CUT_OFF);
    } catch (error) {
      say(messageOf(error));
    }
  }

  byId("chat-form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    void send();
  });
}

/** The name and the data of each event of a stream. @param {Response} response */
async function* eventsOf(response) {
  const reader = (response.body ?? new ReadableStream())
    .pipeThrough(new TextDecoderStream())
    .getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) {
      const name = /^event: ?(.*)$/m.exec(event)?.[1] ?? "";
      const data = /^data: ?(.*)$/m.exec(event)?.[1];
      if (data !== undefined) yield { name, data };
    }
  }
}

/** The text in an event of the form of OpenAI. @param {string} data */
function textOf(data) {
  return data === DONE ? "" : (JSON.parse(data).choices?.[0]?.delta?.content ?? "");
}
