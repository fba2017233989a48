import { env } from "cloudflare:workers";
import { redisCommand } from "../support/gateway.ts";

/** What runs on a replica: it cannot write. */
const READS = new Set(["eval_ro", "evalsha_ro", "zrange", "zmscore", "get", "mget"]);

export interface Replica {
  /** Stands for the platform's fetch: what only reads is answered as of the replica's making. */
  readonly fetch: typeof fetch;
}

/** A copy of a namespace in Redis as it is now, which hears of nothing afterwards. */
export async function createReplica(namespace: string): Promise<Replica> {
  const copy = `${namespace}-copy`;
  for (const key of await redisCommand<string[]>("KEYS", `${namespace}:*`)) {
    const target = copy + key.slice(namespace.length);
    if ((await redisCommand("TYPE", key)) === "zset") {
      const members = await redisCommand<string[]>("ZRANGE", key, 0, -1, "WITHSCORES");
      for (let i = 0; i < members.length; i += 2)
        await redisCommand("ZADD", target, members[i + 1]!, members[i]!);
    } else {
      await redisCommand("SET", target, await redisCommand<string>("GET", key), "EX", 600);
    }
  }
  const primary = fetch;
  return {
    fetch: (input, init) => {
      const body = String(init?.body);
      const sent = String(input).startsWith(env.UPSTASH_REDIS_REST_URL);
      const [name] = sent ? (JSON.parse(body) as [string]) : [""];
      if (!READS.has(String(name).toLowerCase())) return primary(input, init);
      return primary(input, { ...init, body: body.replaceAll(`"${namespace}:`, `"${copy}:`) });
    },
  };
}
