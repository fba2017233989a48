/** The clients of the floods: complete requests, and sockets that send a request and read nothing. */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface Answer {
  readonly status: number;
  /** The value of Cache-Status. */
  readonly cache: string;
  /** Milliseconds until the first and the last byte of the body. */
  readonly firstMs: number;
  readonly ms: number;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The client's address. Default: another one for each request. */
  readonly address?: string;
}

const PATIENCE_MS = 60_000;

const agent = new Agent({ keepAlive: true });
let clients = 0;

/** Returns an address that no request has had. Each may send 100 requests in a minute. */
export function newAddress(): string {
  clients++;
  return `198.18.${(clients >> 8) & 255}.${clients & 255}`;
}

/** Sends a request and reads the response. A client that has waited for a minute leaves: status 0. */
export function ask(
  url: string,
  { method = "GET", headers = {}, address }: Asking = {},
): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const startedAt = performance.now();
  let firstMs = Number.NaN;
  const since = (): number => performance.now() - startedAt;
  const failed = (): void => resolve({ status: 0, cache: "", firstMs, ms: since() });
  const sent = request(
    url,
    {
      agent,
      method,
      headers: { "CF-Connecting-IP": address ?? newAddress(), ...headers },
      signal: AbortSignal.timeout(PATIENCE_MS),
    },
    (response) => {
      response.once("data", () => (firstMs = since()));
      response.on("data", () => undefined);
      response.on("error", failed);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          cache: String(response.headers["cache-status"] ?? ""),
          firstMs,
          ms: since(),
        }),
      );
    },
  );
  sent.on("error", failed);
  sent.end();
  return promise;
}

/** Opens a connection for each URL, sends a GET, and never reads. All have one address. */
export async function stall(urls: readonly string[]): Promise<{ close(): Promise<void> }> {
  const address = newAddress();
  const sockets: Socket[] = [];
  for (const url of urls) {
    const { hostname, port, host, pathname, search } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write(
      `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nCF-Connecting-IP: ${address}\r\n\r\n`,
    );
    sockets.push(socket);
  }
  return {
    async close() {
      for (const socket of sockets) socket.destroy();
      await sleep(500);
    },
  };
}
