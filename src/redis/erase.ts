/** One part of an erasure in Redis: a page of a scan, with the parts of divided entries. */
import type { SharedStore } from "../core/shared-store.ts";
import { attempt, type RedisClient } from "./client.ts";
import { firstPartOf, otherPartsOf } from "./parts.ts";
import { createScriptRunner } from "./script-runner.ts";
import { ERASE } from "./scripts.ts";

export interface RedisEraseOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly entryKey: (key: string) => string;
  readonly partKey: (name: string) => string;
}

/** Finds or removes the erased ones of these keys of Redis. */
type EraseAmong = (how: "remove" | "find", keys: readonly string[]) => Promise<readonly string[]>;

export function createRedisErase({
  redis,
  namespace,
  entryKey,
  partKey,
}: RedisEraseOptions): NonNullable<SharedStore["erase"]> {
  const script = createScriptRunner(redis, ERASE);

  /**
   * Removes the parts of erased texts. Former loads of a key leave parts without a head, and the first part of a
   * text has its names. It goes last, so that a page whose removal fails half-way can be repeated. A part
   * without a first one belongs to no text that can be read. Returns the number of requests.
   */
  async function removeParts(names: readonly string[], among: EraseAmong): Promise<number> {
    const firsts = [...new Set(names.flatMap((name) => firstPartOf(name) ?? []))];
    if (firsts.length === 0) return 0;
    const pipeline = redis.pipeline();
    for (const first of firsts) pipeline.exists(partKey(first));
    const exists = await pipeline.exec<number[]>();
    const present = firsts.filter((_, i) => Number(exists[i]) === 1).map(partKey);
    const found = new Set(await among("find", present));
    const gone = firsts.filter((first, i) => Number(exists[i]) === 0 || found.has(partKey(first)));
    if (gone.length === 0) return present.length === 0 ? 1 : 2;
    await redis.del(...gone.flatMap(otherPartsOf).map(partKey));
    await redis.del(...gone.map(partKey));
    return present.length === 0 ? 3 : 4;
  }

  return ({ names, seq, era }, cursor, pageSize) =>
    attempt(async () => {
      const among: EraseAmong = async (how, keys) => {
        if (keys.length === 0) return [];
        const positions = await script<number[]>([...keys], [seq, era, how, ...names]);
        return positions.map((position) => keys[position - 1] ?? "");
      };
      const match = `${namespace}:[ep]:*`;
      const from = cursor === "" ? "0" : cursor;
      const [next, keys] = await redis.scan(from, { match, count: pageSize });
      const isPart = (key: string): boolean => key.startsWith(partKey(""));
      const start = entryKey("").length;
      const forParts = await removeParts(
        keys.filter(isPart).map((key) => key.slice(partKey("").length)),
        among,
      );
      const entries = keys.filter((key) => !isPart(key));
      const removed = await among("remove", entries);
      return {
        keys: removed.map((key) => key.slice(start)),
        examined: keys.length,
        requests: 1 + forParts + (entries.length === 0 ? 0 : 1),
        ...(next !== "0" && { cursor: next }),
      };
    });
}
