/** Clients that each have a connection of their own, and that ask all at the same time. */
import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { HOST } from "../tiers/load.ts";

/** Connections that are opened at a time, so that no queue of new connections overflows. */
const OPENED_AT_A_TIME = 200;

export interface Answered {
  readonly ms: number;
  readonly status: number;
}

export interface Crowd {
  /** Sends one request of each client at once. A crowd rushes once, soon: workerd closes idle connections. */
  rush(pathOf: (client: number) => string): Promise<readonly Answered[]>;
  close(): void;
}

/** Opens the connections of the clients, which are spread over the servers. */
export async function openCrowd(urls: readonly string[], clients: number): Promise<Crowd> {
  const sockets: Socket[] = [];

  async function open(client: number): Promise<void> {
    const { hostname, port } = new URL(urls[client % urls.length] ?? "");
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    sockets[client] = socket;
  }

  function send(client: number, path: string): Promise<Answered> {
    const { promise, resolve, reject } = Promise.withResolvers<Answered>();
    const address = `10.${client >> 16}.${(client >> 8) & 255}.${client & 255}`;
    const headers = { host: HOST, "CF-Connecting-IP": address };
    const options = { headers, createConnection: () => sockets[client]! };
    const startedAt = performance.now();
    const sent = request(`${urls[client % urls.length]}${path}`, options, (response) => {
      response.resume();
      response.on("error", reject);
      response.on("end", () =>
        resolve({ ms: performance.now() - startedAt, status: response.statusCode ?? 0 }),
      );
    });
    sent.on("error", reject);
    sent.end();
    return promise;
  }

  for (let first = 0; first < clients; first += OPENED_AT_A_TIME)
    await Promise.all(
      Array.from({ length: Math.min(OPENED_AT_A_TIME, clients - first) }, (_, at) =>
        open(first + at),
      ),
    );
  return {
    rush: (pathOf) => Promise.all(sockets.map((_, client) => send(client, pathOf(client)))),
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
