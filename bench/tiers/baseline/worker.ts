/** The baselines: no cache, and a plain cache-aside over Redis, without limits and telemetry. */
import { neon, neonConfig } from "@neondatabase/serverless";
import { createRedis } from "../../../src/redis/client.ts";

interface Env {
  readonly DATABASE_URL: string;
  readonly NEON_ENDPOINT: string;
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
}

const TTL_SECONDS = 3_600;

function connect(env: Env) {
  neonConfig.fetchEndpoint = env.NEON_ENDPOINT;
  const sql = neon(env.DATABASE_URL);
  const redis = createRedis({
    url: env.UPSTASH_REDIS_REST_URL,
    token: env.UPSTASH_REDIS_REST_TOKEN,
    timeoutMs: 1_000,
  });
  return { sql, redis };
}

let connected: ReturnType<typeof connect> | undefined;

export default {
  async fetch(request, env) {
    const { sql, redis } = (connected ??= connect(env));
    const [, cache, id] = new URL(request.url).pathname.split("/");
    const load = async (): Promise<string> => {
      const [row] = await sql`select * from products where id = ${Number(id)}`;
      return JSON.stringify(row);
    };
    const headers = { "content-type": "application/json" };
    if (cache === "none") return new Response(await load(), { headers });

    const key = `aside:${id}`;
    const found = await redis.get<string>(key);
    if (found !== null) return new Response(found, { headers: { ...headers, "x-from": "redis" } });
    const body = await load();
    await redis.set(key, body, { ex: TTL_SECONDS });
    return new Response(body, { headers: { ...headers, "x-from": "origin" } });
  },
} satisfies ExportedHandler<Env>;
