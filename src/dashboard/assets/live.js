// @ts-check
/**
 * Reads server-sent events with fetch, because EventSource cannot send the token. `onData` gets the name
 * of each event, which is "message" by default, and its data.
 * @param {{ url: string, token: () => string, onData: (event: string, data: any) => void, onState: (state: "live" | "lost" | "refused") => void }} options
 */
export function follow({ url, token, onData, onState }) {
  let attempt = 0;
  let abort = new AbortController();

  async function once() {
    /** @type {Record<string, string>} */
    const headers = { accept: "text/event-stream" };
    if (token() !== "") headers["authorization"] = `Bearer ${token()}`;
    const response = await fetch(url, { headers, signal: abort.signal });
    if (response.status === 401 || response.status === 403) return "refused";
    if (!response.ok || response.body === null) return "lost";
    attempt = 0;
    onState("live");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "lost";
      const messages = (rest + value).split("\n\n");
      rest = messages.pop() ?? "";
      for (const message of messages) {
        const lines = message.split("\n");
        const field = (/** @type {string} */ name) =>
          lines
            .filter((line) => line.startsWith(`${name}:`))
            .map((line) => line.slice(name.length + 1).trim())
            .join("\n");
        const data = field("data");
        if (data !== "" && data !== "null") onData(field("event") || "message", JSON.parse(data));
      }
    }
  }

  async function run() {
    const mine = abort;
    while (!mine.signal.aborted) {
      /** @type {"lost" | "refused"} */
      let state = "lost";
      try {
        state = await once();
      } catch {
        // The connection was lost. The loop connects again.
      }
      if (mine.signal.aborted) return;
      onState(state);
      // The server has refused the token, and refuses it again until the user enters another one.
      if (state === "refused") return;
      attempt += 1;
      await new Promise((resolve) => setTimeout(resolve, Math.min(10_000, 500 * 2 ** attempt)));
    }
  }

  void run();
  return {
    /** Closes the connection, and connects again with the present token. */
    restart() {
      abort.abort();
      abort = new AbortController();
      attempt = 0;
      void run();
    },
  };
}
