import { TOP } from "../../src/core/log.ts";
import { redisCommand } from "../support/gateway.ts";
import type { StoreUnderTest } from "../stores/subject.ts";
import { createTestStore } from "./stores.ts";

/** The store in Redis, as the contract tests of test/stores need it. */
export const redisSubject: StoreUnderTest = {
  create: createTestStore,
  rejected: "redis.rejected",
  inside(namespace) {
    const log = `${namespace}:inv`;
    const marks = `${namespace}:inv:marks`;
    const entry = (key: string): string => `${namespace}:e:${key}`;
    return {
      dropLog: async () => void (await redisCommand("DEL", log)),
      setNewest: async (seq) => void (await redisCommand("ZADD", log, seq, "!seq")),
      setMark: async (seq, at) => void (await redisCommand("ZADD", marks, at, seq)),
      marks: () => redisCommand<number>("ZCARD", marks),
      async logKeys() {
        const described = await redisCommand<number>("ZCOUNT", log, TOP, TOP);
        return (await redisCommand<number>("ZCARD", log)) - described - 1;
      },
      setText: async (key, text) => void (await redisCommand("SET", entry(key), text)),
      textOf: async (key) => (await redisCommand<string | null>("GET", entry(key))) ?? undefined,
      expire: async (key) => void (await redisCommand("PEXPIRE", entry(key), 0)),
    };
  },
};
