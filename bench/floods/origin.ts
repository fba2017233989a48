/**
 * An HTTP origin on loopback. The query of a request says how it is answered, and the path is a
 * name under which requests are counted.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** How the origin answers. */
export interface Answering {
  /** The length of the body. Default 10. */
  readonly bytes?: number;
  /** The milliseconds before the header section. */
  readonly waitMs?: number;
  /** The milliseconds over which the body is sent. */
  readonly spreadMs?: number;
  /** Cache-Control. Default: none. */
  readonly control?: string;
  /** The entity tag, without quotes. */
  readonly etag?: string;
  /** The origin never answers. */
  readonly hangs?: boolean;
}

export interface FloodOrigin {
  readonly url: string;
  /** Returns the number of requests whose path begins with `prefix`. */
  requests(prefix: string): number;
  close(): Promise<void>;
}

const PIECES = 16;

/** Returns the path and query of a resource that is answered so. */
export function resource(path: string, answering: Answering): string {
  return `${path}?${new URLSearchParams({ how: JSON.stringify(answering) }).toString()}`;
}

export async function startOrigin(): Promise<FloodOrigin> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://origin.invalid");
    seen.push(pathname);
    request.resume();
    const answering = JSON.parse(searchParams.get("how") ?? "{}") as Answering;
    answer(answering, request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: (prefix) => seen.filter((path) => path.startsWith(prefix)).length,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function answer(
  { bytes = 10, waitMs = 0, spreadMs = 0, control, etag, hangs }: Answering,
  { method, headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (hangs === true) return;
  await sleep(waitMs);
  response.setHeader("Content-Type", "text/plain");
  if (control !== undefined) response.setHeader("Cache-Control", control);
  if (etag !== undefined) response.setHeader("ETag", `"${etag}"`);
  if (etag !== undefined && headers["if-none-match"]?.includes(`"${etag}"`) === true)
    return void response.writeHead(304).end();
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
  const isPart = first !== undefined && method === "GET";
  const length = isPart ? Number(last) - Number(first) + 1 : bytes;
  response.setHeader("Content-Length", length);
  if (isPart) response.setHeader("Content-Range", `bytes ${first}-${last}/${bytes}`);
  response.writeHead(isPart ? 206 : 200);
  if (method === "HEAD") return void response.end();
  const pieces = spreadMs === 0 ? 1 : PIECES;
  for (let at = 0; at < pieces; at++) {
    response.write(
      Buffer.alloc(Math.ceil(length / pieces), "x").subarray(
        0,
        length - at * Math.ceil(length / pieces),
      ),
    );
    if (spreadMs > 0) await sleep(spreadMs / pieces);
  }
  response.end();
}
