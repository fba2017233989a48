import { connect } from "node:net";

/** The answer to bytes that no HTTP client would send. */
export interface RawAnswer {
  /** Undefined if the connection was closed without an answer. */
  readonly status: number | undefined;
  readonly text: string;
}

const PATIENCE_MS = 10_000;

/** Sends bytes unchanged, and reads until the server has answered or closed the connection. */
export function sendRaw(url: string, bytes: string | Buffer): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(bytes));
    const end = (): void => {
      socket.destroy();
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
      resolve({ status: status === undefined ? undefined : Number(status), text });
    };
    socket.setTimeout(PATIENCE_MS, () => {
      socket.destroy();
      reject(
        new Error(
          `neither an answer nor an end within ${PATIENCE_MS} ms, after ${JSON.stringify(text)}`,
        ),
      );
    });
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const head = text.indexOf("\r\n\r\n");
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
      if (head >= 0 && text.length >= head + 4 + length) end();
    });
    socket.once("error", end);
    socket.once("close", end);
  });
}

/** Sends the start of a request, and closes the connection 300 ms later, when the server has read it. */
export function breakOff(url: string, bytes: string): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) }, () => {
      socket.write(bytes);
      setTimeout(() => socket.destroy(), 300);
    });
    socket.on("error", () => undefined);
    socket.once("close", () => resolve());
  });
}
