import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createConnection } from "node:net";
import { until } from "./waiting.ts";

/** A Redis server that a test can kill, and start again empty at the same address. */
export interface KillableRedis {
  readonly url: string;
  start(): Promise<void>;
  /** Sends SIGKILL, so that the server closes nothing cleanly. */
  kill(): Promise<void>;
}

export function createKillableRedis(file: string, port: number): KillableRedis {
  let child: ChildProcess | undefined;
  return {
    url: `redis://127.0.0.1:${port}`,
    async start() {
      const args = [
        "--bind",
        "127.0.0.1",
        "--port",
        String(port),
        "--save",
        "",
        "--appendonly",
        "no",
      ];
      child = spawn(file, args, { stdio: "ignore" });
      await until(() => accepts(port), Boolean, 10_000, 20);
    },
    async kill() {
      if (child === undefined) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
      child = undefined;
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
