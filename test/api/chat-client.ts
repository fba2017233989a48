/** A client of `POST /chat`, for tests. */
import type { Client } from "./client.ts";

export interface ChatAnswer {
  readonly persona: string;
  readonly message: string;
  readonly answer: string;
  readonly model: string;
  readonly finishReason: string;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
}

/** A message that no other test sends. */
export const newMessage = (): string => `What is ${crypto.randomUUID()}?`;

export function chat(
  client: Pick<Client, "send">,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return client.send("/chat", {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

export const cacheOf = (response: Response): string | null =>
  response.headers.get("X-Cache-Status");

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
}

/** The text of a stream, its last data, and the number of its events. */
export function readEvents(stream: string): { text: string; last: string; events: number } {
  const data = stream
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => event.replace(/^data: /, ""));
  const chunks = data
    .filter((json) => json.startsWith("{"))
    .map((json) => JSON.parse(json) as Chunk);
  const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
  return { text, last: data.at(-1) ?? "", events: data.length };
}
