/** The embedded Redis behind the interface of the SDK, with a clock that the test sets. */
import { vi } from "vitest";
import { createEmbeddedEngine } from "../../../dev/redis/embedded/engine.ts";
import { isError, isStatus, type Reply } from "../../../dev/redis/engine.ts";
import { parseScript } from "../../../dev/redis/script.ts";
import type { RedisClient } from "../../../src/redis/client.ts";

export interface SimulatedRedis {
  readonly client: RedisClient;
  /** The clock of Redis, in milliseconds. */
  now: number;
  /** The number of commands billed so far. */
  commands(): number;
}

export function createSimulatedRedis(startMs: number): SimulatedRedis {
  const engine = createEmbeddedEngine({ clock: () => simulated.now });
  const scripts = new Map<string, ReturnType<typeof parseScript>>();
  let commands = 0;

  async function run(
    body: string,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<unknown> {
    let script = scripts.get(body);
    if (script === undefined) scripts.set(body, (script = parseScript(body)));
    const { reply, commands: cost } = await engine.run({
      kind: "script",
      script,
      keys: keys.map((key) => Buffer.from(key)),
      args: args.map((arg) => Buffer.from(arg)),
      readOnly: false,
    });
    commands += cost;
    return plain(reply);
  }

  const client = {
    async getex(key: string, expiry?: { readonly px: number }) {
      const words = expiry === undefined ? [key] : [key, "PX", String(expiry.px)];
      const args = words.map((word) => Buffer.from(word));
      return plain((await engine.run({ kind: "command", name: "GETEX", args })).reply);
    },
    eval: run,
    createScript: (body: string) => ({
      exec: (keys: string[], args: string[]) => run(body, keys, args),
    }),
    async del(...keys: string[]) {
      const args = keys.map((key) => Buffer.from(key));
      return plain((await engine.run({ kind: "command", name: "DEL", args })).reply);
    },
  };

  // TIME reads the clock of the process, so this replaces it. The newest simulation sets the time.
  vi.spyOn(performance, "now").mockImplementation(() => simulated.now - performance.timeOrigin);

  const simulated: SimulatedRedis = {
    client: client as unknown as RedisClient,
    now: startMs,
    commands: () => commands,
  };
  return simulated;
}

function plain(reply: Reply): unknown {
  if (reply === null || typeof reply === "number") return reply;
  if (reply instanceof Uint8Array) return new TextDecoder().decode(reply);
  if (isError(reply)) throw new Error(reply.error);
  return isStatus(reply) ? reply.status : reply.map((item) => plain(item));
}
