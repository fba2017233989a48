import { Redis } from "@upstash/redis";
import type { RedisConfigNodejs } from "@upstash/redis";
import { createRedisGateway } from "../../../dev/gateway/redis.ts";
import type { RedisEngine } from "../../../dev/redis/engine.ts";
import type { EngineChoice } from "./engines.ts";
import { serveGateways } from "./gateways.ts";
import type { TestGateways } from "./gateways.ts";

export const TOKEN = "the-token";

export interface TestUpstash {
  readonly url: string;
  readonly engine: RedisEngine;
  readonly gateways: TestGateways;
  /** The SDK's client, without retries. */
  client(options?: Partial<RedisConfigNodejs>): Redis;
  /** Sends one raw request. Returns the status and the parsed body, which the SDK does not show. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<[number, unknown]>;
  close(): Promise<void>;
}

/** Opens Upstash's gateway alone, over one engine. */
export async function openUpstash(choice: EngineChoice): Promise<TestUpstash> {
  const { engine, close } = await choice.open();
  const gateways = await serveGateways((counts) => [
    createRedisGateway({ engine, token: TOKEN, counts }),
  ]);
  const url = `${gateways.url}/redis`;
  return {
    url,
    engine,
    gateways,
    client: (options = {}) =>
      new Redis({ url, token: TOKEN, enableTelemetry: false, retry: { retries: 0 }, ...options }),
    async post(path, body, headers = {}) {
      const response = await fetch(url + path, {
        method: "POST",
        headers: { authorization: `Bearer ${TOKEN}`, ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      });
      return [response.status, await response.json()];
    },
    async close() {
      await gateways.close();
      await close();
    },
  };
}
