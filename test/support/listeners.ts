/** Listeners of live events, as browsers are: one reads a stream of server-sent events, one a WebSocket. */
import type { Hono } from "hono";
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { StrataEnv } from "../../src/index.ts";

/** One event as a client sees it. */
export interface HeardEvent {
  /** The name of the event. "update" if it has none. */
  readonly event: string;
  readonly id: string;
  readonly data: { readonly stock?: number; readonly [member: string]: unknown };
}

export interface TestListener {
  readonly status: number;
  readonly headers: Headers;
  readonly events: HeardEvent[];
  /** Resolves when `howMany` events have arrived. */
  heard(howMany: number): Promise<HeardEvent[]>;
  /** Resolves with the code when the server has ended the connection. 0 for a stream. */
  readonly ended: Promise<number>;
  close(): Promise<void>;
  /** The socket of a WebSocket. */
  readonly socket?: WebSocket;
}

type Target = { readonly app: Pick<Hono<StrataEnv>, "fetch"> };

export interface ListenOptions {
  readonly lastEventId?: string | undefined;
  readonly address?: string;
}

function fieldsOf({ lastEventId, address = "192.0.2.7" }: ListenOptions): Headers {
  const headers = new Headers({ "CF-Connecting-IP": address });
  if (lastEventId !== undefined) headers.set("Last-Event-ID", lastEventId);
  return headers;
}

function inbox() {
  const events: HeardEvent[] = [];
  let waiting: { readonly howMany: number; readonly resolve: () => void }[] = [];
  return {
    events,
    add(event: HeardEvent) {
      events.push(event);
      for (const each of waiting) if (events.length >= each.howMany) each.resolve();
      waiting = waiting.filter(({ howMany }) => events.length < howMany);
    },
    async heard(howMany: number) {
      if (events.length < howMany)
        await new Promise<void>((resolve) => waiting.push({ howMany, resolve }));
      return events.slice(0, howMany);
    },
  };
}

/** Opens a stream of server-sent events. */
export async function openStream(
  { app }: Target,
  path: string,
  options: ListenOptions = {},
): Promise<TestListener> {
  const leaving = new AbortController();
  const request = new Request(`http://strata.test${path}`, {
    headers: fieldsOf(options),
    signal: leaving.signal,
  });
  const response = await app.fetch(request, env, createExecutionContext());
  const { add, ...box } = inbox();
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const isStream = response.headers.get("Content-Type") === "text/event-stream";
  async function read(): Promise<number> {
    let text = "";
    while (reader !== undefined && isStream) {
      const { done, value } = await reader.read();
      if (done) break;
      text += value;
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = parseBlock(block);
        if (event !== undefined) add(event);
      }
    }
    return 0;
  }
  const ended = read().catch(() => 0);
  return {
    status: response.status,
    headers: response.headers,
    ...box,
    ended,
    async close() {
      leaving.abort();
      await reader?.cancel().catch(() => undefined);
    },
  };
}

/** Parses one block of a stream. Undefined if it has no data, such as a comment. */
function parseBlock(block: string): HeardEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const at = line.indexOf(": ");
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 2));
  }
  const data = fields.get("data");
  if (data === undefined) return undefined;
  return {
    event: fields.get("event") ?? "update",
    id: fields.get("id") ?? "",
    data: JSON.parse(data) as HeardEvent["data"],
  };
}

/** Opens a WebSocket. */
export async function openSocket(
  { app }: Target,
  path: string,
  options: ListenOptions = {},
): Promise<TestListener> {
  const headers = fieldsOf(options);
  headers.set("Upgrade", "websocket");
  const request = new Request(`http://strata.test${path}`, { headers });
  const response = await app.fetch(request, env, createExecutionContext());
  const { add, ...box } = inbox();
  const socket = response.webSocket ?? undefined;
  const ended = new Promise<number>((resolve) =>
    socket?.addEventListener("close", ({ code }) => resolve(code)),
  );
  socket?.addEventListener("message", ({ data }) => {
    if (typeof data !== "string" || data === "pong") return;
    add(JSON.parse(data) as HeardEvent);
  });
  socket?.accept();
  return {
    status: response.status,
    headers: response.headers,
    ...box,
    ended,
    close: async () => socket?.close(1000, "done"),
    ...(socket && { socket }),
  };
}
