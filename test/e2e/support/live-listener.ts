import { request, type ClientRequest } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/** A listener of live stock over a real connection. */
export interface LiveListener {
  /** The stocks of all updates so far, over all its connections. */
  readonly stocks: readonly number[];
  /** The events that are no updates, by their names. */
  readonly others: readonly string[];
  /** Closes the connection and opens another one with the id of the last event. */
  reconnect(): Promise<void>;
  /** Resolves when `howMany` updates have arrived. */
  heard(howMany: number): Promise<void>;
  close(): void;
}

export interface LiveListenerOptions {
  readonly url: string;
  readonly productId: number;
  readonly transport: "stream" | "socket";
  readonly address: string;
}

interface Heard {
  readonly event: string;
  readonly id: string;
  readonly stock: number;
}

type Connect = (
  options: LiveListenerOptions,
  lastEventId: string,
  onEvent: (event: Heard) => void,
) => Promise<() => void>;

const ATTEMPTS = 40;
const RETRY_MS = 500;

/** Opens a listener. Resolves when it has got the stock. */
export async function openListener(options: LiveListenerOptions): Promise<LiveListener> {
  const stocks: number[] = [];
  const others: string[] = [];
  const connect = options.transport === "stream" ? connectStream : connectSocket;
  let lastEventId = "";
  let onChange = (): void => undefined;
  let disconnect = (): void => undefined;
  let connection = 0;

  async function open(): Promise<void> {
    const own = ++connection;
    const onEvent = ({ event, id, stock }: Heard): void => {
      if (own !== connection || event === "heartbeat") return;
      lastEventId = id;
      if (event === "update") stocks.push(stock);
      else others.push(event);
      onChange();
    };
    for (let attempt = 1; ; attempt++) {
      try {
        disconnect = await connect(options, lastEventId, onEvent);
        return;
      } catch (error) {
        // A busy machine answers 503 with Retry-After.
        if (attempt === ATTEMPTS) throw error;
        await pause(RETRY_MS);
      }
    }
  }

  async function until(isMet: () => boolean): Promise<void> {
    if (isMet()) return;
    await new Promise<void>((resolve) => {
      onChange = () => {
        if (isMet()) resolve();
      };
    });
  }

  await open();
  await until(() => others.length > 0);
  return {
    stocks,
    others,
    async reconnect() {
      connection++;
      disconnect();
      await open();
    },
    heard: (howMany) => until(() => stocks.length >= howMany),
    close() {
      connection++;
      disconnect();
    },
  };
}

const connectStream: Connect = ({ url, productId, address }, lastEventId, onEvent) =>
  new Promise((resolve, reject) => {
    const headers = {
      "CF-Connecting-IP": address,
      ...(lastEventId !== "" && { "Last-Event-ID": lastEventId }),
    };
    const sent: ClientRequest = request(`${url}/stock/${productId}/events`, {
      headers,
      agent: false,
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      if (response.statusCode !== 200) {
        reject(new Error(`the stream answered ${response.statusCode}`));
        return;
      }
      let text = "";
      response.setEncoding("utf8");
      response.on("error", () => undefined);
      response.on("data", (chunk: string) => {
        const blocks = (text + chunk).split("\n\n");
        text = blocks.pop() ?? "";
        for (const block of blocks) readBlock(block, onEvent);
      });
      resolve(() => sent.destroy());
    });
    sent.end();
  });

function readBlock(block: string, onEvent: (event: Heard) => void): void {
  const fields = new Map(
    block.split("\n").map((line): [string, string] => {
      const at = line.indexOf(": ");
      return [line.slice(0, at), line.slice(at + 2)];
    }),
  );
  const data = fields.get("data");
  if (data === undefined) return;
  const { stock } = JSON.parse(data) as { stock: number };
  onEvent({ event: fields.get("event") ?? "update", id: fields.get("id") ?? "", stock });
}

/** Node's WebSocket takes request fields, which browsers do not. */
const NodeWebSocket = WebSocket as unknown as new (
  url: string,
  options: { readonly headers: Readonly<Record<string, string>> },
) => WebSocket;

const connectSocket: Connect = ({ url, productId, address }, lastEventId, onEvent) =>
  new Promise((resolve, reject) => {
    const query = lastEventId === "" ? "" : `?lastEventId=${lastEventId}`;
    const socket = new NodeWebSocket(
      `${url.replace("http", "ws")}/stock/${productId}/socket${query}`,
      { headers: { "CF-Connecting-IP": address } },
    );
    socket.addEventListener("message", ({ data }) => {
      const { data: told, ...head } = JSON.parse(String(data)) as Omit<Heard, "stock"> & {
        readonly data?: Pick<Heard, "stock">;
      };
      onEvent({ ...head, stock: told?.stock ?? 0 });
    });
    socket.addEventListener("open", () => resolve(() => socket.close()));
    socket.addEventListener("error", () => reject(new Error("the socket was refused")));
  });
