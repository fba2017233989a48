// @ts-check
/** A question to a persona. The answer arrives as a stream of server-sent events. */
import { byId, messageOf } from "./dom.js";

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
      for await (const data of eventsOf(response)) answer.append(textOf(data));
      say("");
    } catch (error) {
      say(messageOf(error));
    }
  }

  byId("chat-form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    void send();
  });
}

/** The data of each event of a stream. @param {Response} response */
async function* eventsOf(response) {
  const reader = (response.body ?? new ReadableStream())
    .pipeThrough(new TextDecoderStream())
    .getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data:")) yield line.slice(5).trim();
  }
}

/** The text in an event of the form of OpenAI. @param {string} data */
function textOf(data) {
  if (data === "[DONE]") return "";
  return JSON.parse(data).choices?.[0]?.delta?.content ?? "";
}
