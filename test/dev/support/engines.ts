import { createEmbeddedEngine } from "../../../dev/redis/embedded/engine.ts";
import type { RedisEngine } from "../../../dev/redis/engine.ts";
import { createServerEngine } from "../../../dev/redis/server-engine.ts";
import { findRedisServer, startRedisServer } from "../../../dev/redis/server-process.ts";

export interface OpenEngine {
  readonly engine: RedisEngine;
  close(): Promise<void>;
}

export interface EngineChoice {
  readonly name: string;
  open(): Promise<OpenEngine>;
}

const embedded: EngineChoice = {
  name: "embedded",
  async open() {
    const engine = createEmbeddedEngine();
    return { engine, close: () => engine.close() };
  },
};

/**
 * Returns every engine that this machine can run, including a real Redis if a server is on PATH.
 */
export function availableEngines(): readonly EngineChoice[] {
  const file = findRedisServer();
  if (file === undefined) return [embedded];
  return [
    embedded,
    {
      name: "server",
      async open() {
        const child = await startRedisServer(file);
        const engine = await createServerEngine(child.url, child.program);
        return {
          engine,
          async close() {
            await engine.close();
            await child.stop();
          },
        };
      },
    },
  ];
}
