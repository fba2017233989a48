/**
 * An HTTP origin with scripted responses: each path has its own, in order, and repeats the last. It
 * keeps the requests that it gets. It listens on loopback only.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { AddressInfo } from "node:net";
import { once } from "node:events";

export interface ScriptedResponse {
  readonly status?: number;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
  /** How many times the body is repeated. */
  readonly times?: number;
  /** Milliseconds before the header section, and between the chunks of the body. */
  readonly waitMs?: number;
  readonly chunkMs?: number;
  /** Closes the connection before the header section, or after this many characters of the body. */
  readonly breakAfter?: number | "start";
  /** Bytes in Latin-1 to send instead of a response, with `{path}` replaced; then the connection closes. */
  readonly raw?: string;
  /** Omits the Date field. */
  readonly noDate?: boolean;
  /** The statuses of interim responses to send first. */
  readonly interim?: readonly (102 | 103)[];
  /** The trailer fields. */
  readonly trailers?: readonly (readonly [name: string, value: string])[];
  /** Answers 304 if the request's If-None-Match is this entity tag. */
  readonly unless?: string;
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The trailer fields of the request. */
  readonly trailers: Readonly<Record<string, string>>;
}

interface Script {
  readonly responses: readonly ScriptedResponse[];
  readonly seen: SeenRequest[];
}

export interface ScriptedOrigin {
  readonly url: string;
  /** Adds a new path with these responses, and returns it. */
  script(...responses: readonly ScriptedResponse[]): string;
  /** The requests that a path got. */
  seen(path: string): readonly SeenRequest[];
  /** The targets of all requests, exactly as they arrived. */
  readonly targets: readonly string[];
  close(): Promise<void>;
}

export async function startScriptedOrigin(port = 0): Promise<ScriptedOrigin> {
  const scripts = new Map<string, Script>();
  const targets: string[] = [];
  const server = createServer((request, response) => {
    targets.push(request.url ?? "");
    void answer(scripts, request, response).catch(() => response.destroy());
  });
  server.on("upgrade", echo);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    script(...responses) {
      const path = `/r/s${scripts.size + 1}`;
      scripts.set(path, { responses, seen: [] });
      return path;
    },
    seen: (path) => scripts.get(path)?.seen ?? [],
    targets,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Opens a WebSocket (RFC 6455) and returns each short text that arrives, with `echo ` before it. */
function echo({ headers }: IncomingMessage, socket: Duplex): void {
  const secret = `${headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(secret).digest("base64");
  const protocol = headers["sec-websocket-protocol"];
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  socket.on("error", () => socket.destroy());
  socket.on("data", (frame: Buffer) => {
    const mask = frame.subarray(2, 6);
    const content = frame.subarray(6).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
    const isText = frame[0] === 0x81;
    const payload = isText ? Buffer.concat([Buffer.from("echo "), content]) : content;
    // The other frame of this peer is the one that closes the connection.
    socket.write(Buffer.concat([Buffer.from([isText ? 0x81 : 0x88, payload.length]), payload]));
    if (!isText) socket.end();
  });
}

async function answer(
  scripts: Map<string, Script>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "", url = "/" } = request;
  const body = await textOf(request);
  const script = scripts.get(url);
  if (script === undefined) {
    response.writeHead(404, { "Cache-Control": "no-store" }).end();
    return;
  }
  const headers = recordOf(request.headers);
  script.seen.push({ method, url, headers, body, trailers: recordOf(request.trailers) });
  const next = script.responses[Math.min(script.seen.length, script.responses.length) - 1];
  await play(next ?? {}, script.seen.length, request, response);
}

async function play(
  scripted: ScriptedResponse,
  number: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers = [], body = `response ${number}`, times = 1, breakAfter } = scripted;
  if (scripted.waitMs !== undefined) await sleep(scripted.waitMs);
  if (breakAfter === "start") {
    response.destroy();
    return;
  }
  if (scripted.raw !== undefined) {
    request.socket.end(scripted.raw.replace("{path}", request.url ?? ""), "latin1");
    return;
  }
  for (const status of scripted.interim ?? [])
    if (status === 102) response.writeProcessing();
    else response.writeEarlyHints({ link: "</style.css>; rel=preload" });
  if (scripted.noDate === true) response.sendDate = false;
  const same =
    scripted.unless !== undefined && request.headers["if-none-match"] === scripted.unless;
  const status = same ? 304 : (scripted.status ?? 200);
  const relative = headers.map(([name, value]): [string, string] => [name, filled(value)]);
  response.writeHead(status, [...relative, ["Request-Numbers", String(number)]].flat());
  if (status === 304 || status === 204 || request.method === "HEAD") {
    response.end();
    return;
  }
  for (let sent = 0; sent < times; sent++) {
    if (breakAfter !== undefined) {
      response.write(body.slice(0, breakAfter));
      await sleep(20);
      response.destroy();
      return;
    }
    if (!response.write(body)) await once(response, "drain");
    if (scripted.chunkMs !== undefined) await sleep(scripted.chunkMs);
  }
  response.addTrailers(Object.fromEntries(scripted.trailers ?? []));
  response.end();
}

/** Replaces `{-60}` by the HTTP date of 60 seconds ago. */
function filled(value: string): string {
  return value.replaceAll(/\{(-?\d+)\}/g, (_, seconds: string) =>
    new Date(Date.now() + Number(seconds) * 1_000).toUTCString(),
  );
}

function recordOf(fields: NodeJS.Dict<string | string[]>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, [value ?? ""].flat().join(", ")]),
  );
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
