import { Agent, request } from "node:http";
import type { Socket } from "node:net";

/** A complete answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The start of the request and the arrival of the last byte, in milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** An open connection to use. */
  readonly socket?: Socket;
}

export interface Client {
  /** Sends a request to an instance; the first is 0. Rejects without an answer. */
  ask(instance: number, path: string, ask?: Ask): Promise<Answer>;
  get(instance: number, path: string): Promise<Answer>;
  /** Sends a write in JSON with the admin token. */
  write(instance: number, method: string, path: string, value?: unknown): Promise<Answer>;
}

const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

let clients = 0;

/** Creates a client with its own address. Under `npm run dev` the Worker reads it from this header. */
export function createClient(urls: readonly string[], adminToken: string): Client {
  const number = clients++;
  const address = `198.18.${(number >> 8) & 255}.${number & 255}`;

  const ask: Client["ask"] = (instance, path, options = {}) =>
    send(urls[instance] ?? "", path, {
      ...options,
      headers: { "CF-Connecting-IP": address, ...options.headers },
    });

  return {
    ask,
    get: (instance, path) => ask(instance, path),
    write(instance, method, path, value) {
      const headers = { Authorization: `Bearer ${adminToken}`, "Content-Type": "application/json" };
      return ask(instance, path, {
        method,
        headers,
        ...(value !== undefined && { body: JSON.stringify(value) }),
      });
    },
  };
}

/** Sends one request with its path unchanged; a URL object would normalise it. */
export function send(url: string, path: string, options: Ask = {}): Promise<Answer> {
  const { method = "GET", headers = {}, body, signal, socket } = options;
  const { hostname, port } = new URL(url);
  const startedAt = Date.now();
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        hostname,
        port,
        path,
        method,
        headers:
          body === undefined
            ? headers
            : { "Content-Length": String(Buffer.byteLength(body)), ...headers },
        ...(socket === undefined ? { agent } : { createConnection: () => socket }),
        ...(signal !== undefined && { signal }),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.once("error", reject);
        incoming.once("end", () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: flatten(incoming.headers),
            body: Buffer.concat(chunks).toString(),
            startedAt,
            endedAt: Date.now(),
          }),
        );
      },
    );
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

function flatten(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    flat[name] = Array.isArray(value) ? value.join(", ") : (value ?? "");
  return flat;
}
