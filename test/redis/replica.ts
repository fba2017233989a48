import { env } from "cloudflare:workers";
import { redisCommand } from "../support/gateway.ts";

/** The commands that a replica runs: those that only read. */
const READS = new Set(["eval_ro", "evalsha_ro", "zrange", "zmscore", "get", "mget"]);

export interface Replica {
  /** A replacement for fetch: commands that only read are answered from the copy. */
  readonly fetch: typeof fetch;
}

/** Copies a namespace in Redis. Later changes do not reach the copy. */
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
      const { url } = new Request(input);
      const body = typeof init?.body === "string" ? init.body : "";
      if (body === "" || !url.startsWith(env.UPSTASH_REDIS_REST_URL)) return primary(input, init);
      const [name] = JSON.parse(body) as readonly unknown[];
      if (typeof name !== "string" || !READS.has(name.toLowerCase())) return primary(input, init);
      return primary(input, { ...init, body: body.replaceAll(`"${namespace}:`, `"${copy}:`) });
    },
  };
}
