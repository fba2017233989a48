/**
 * A replica that has only the first commands of a script is behind, and not wrong. Redis replicates
 * a script as a whole; not every server that speaks its protocol promises that.
 */
import { describe, expect, it } from "vitest";
import type { Entry } from "../../src/core/entry.ts";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import { createCoherence, type Coherence } from "../../src/engine/coherence.ts";
import { ESTABLISH, INVALIDATE, TRIM } from "../../src/redis/scripts.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createTestContext } from "../support/context.ts";
import { entryOf } from "../support/entries.ts";
import { redisCommand } from "../support/gateway.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { createTestStore, valueOf } from "./stores.ts";

const ctx = createTestContext();
const WRITES = new Set(["ZADD", "ZREM", "ZREMRANGEBYSCORE", "ZREMRANGEBYRANK", "DEL"]);
const KEYS = ["inv", "inv:marks"] as const;
type Command = readonly string[];

/** Runs a script on the primary, and returns the commands with which it changed the log, in their order. */
async function run(script: string, namespace: string, ...args: readonly (string | number)[]) {
  const [flags, ...body] = script.split("\n");
  const recording = `${flags}
local issued, real = {}, redis
local redis = { call = function(...) issued[#issued + 1] = { ... }; return real.call(...) end }
local function script()
${body.join("\n")}
end
script()
return issued`;
  const keys = KEYS.map((key) => `${namespace}:${key}`);
  const issued = await redisCommand<Command[]>("EVAL", recording, keys.length, ...keys, ...args);
  return issued.filter(([name = ""]) => WRITES.has(name));
}

/** Copies the log of a namespace into another one. */
async function copyLog(from: string, to: string): Promise<void> {
  for (const key of KEYS) {
    const flat = await redisCommand<string[]>("ZRANGE", `${from}:${key}`, 0, -1, "WITHSCORES");
    for (let i = 0; i < flat.length; i += 4_000) {
      const part = flat.slice(i, i + 4_000);
      const pairs = part.flatMap((_, at) => (at % 2 === 0 ? [part[at + 1]!, part[at]!] : []));
      await redisCommand("ZADD", `${to}:${key}`, ...pairs);
    }
  }
}

/** An isolate that reads from replicas, one image after the other, and establishes on the primary. */
function createReader(primary: string) {
  const source = createTestStore(primary);
  let replica = source;
  const coherence: Coherence = createCoherence({
    store: {
      ...source,
      sync: (...args) => replica.sync(...args),
      verify: (...args) => replica.verify(...args),
    },
    timeoutMs: 10_000,
    withTimeout,
  });
  return {
    coherence,
    async syncWith(namespace: string) {
      replica = createTestStore(namespace);
      await coherence.ensureCurrent(Date.now() + 1, 0, ctx);
    },
    async verify(entry: Entry, namespace: string) {
      replica = createTestStore(namespace);
      return coherence.verify(entry, ctx);
    },
  };
}

interface Scene {
  readonly title: string;
  /** Fills the log. Returns the entries of isolates, and the script that runs next with its ARGV. */
  readonly prepare: (namespace: string) => Promise<{
    readonly entries: readonly Entry[];
    readonly script: string;
    readonly args: readonly (string | number)[];
  }>;
}

const tags = (count: number): LogKey[] =>
  Array.from({ length: count }, (_, at) => `t:${at}` as const);

const entryAt = (asOf: number, era: string, tag: LogKey): Entry =>
  entryOf({ key: "a:1", asOf, era, invalidationKeys: ["n:", tag as `t:${string}`] });

/** Entries of the newest number, with the first, a middle and the last log key of the invalidation. */
const invalidation = (count: number): Scene => ({
  title: `an invalidation of ${count} keys`,
  async prepare(namespace) {
    const store = createTestStore(namespace);
    const { seq, era } = valueOf(await store.invalidate(["t:other"], [], ctx));
    const names = tags(count);
    const watched = [names[0]!, names[Math.floor(count / 2)]!, names.at(-1)!];
    const entries = watched.map((name) => entryAt(seq, era, name));
    return { entries, script: INVALIDATE, args: ["new-era", count, ...names] };
  },
});

const SCENES: readonly Scene[] = [
  ...[1, 1_000, 2_000, 2_001, 5_000].map(invalidation),
  {
    title: "a trimming by age",
    async prepare(namespace) {
      const store = createTestStore(namespace);
      const first = valueOf(await store.invalidate(["t:other"], [], ctx));
      await store.invalidate(tags(10), [], ctx);
      await run(TRIM, namespace, 600_000, 100_000);
      const entries = [entryAt(first.seq, first.era, "t:0")];
      await store.invalidate(["t:other"], [], ctx);
      return { entries, script: TRIM, args: [-1, 100_000] };
    },
  },
  {
    title: "a second trimming, by size,",
    async prepare(namespace) {
      const store = createTestStore(namespace);
      const first = valueOf(await store.invalidate(tags(3), [], ctx));
      await run(TRIM, namespace, 600_000, 2);
      const between = valueOf(await store.invalidate(["t:other"], [], ctx));
      await store.invalidate(tags(10), [], ctx);
      await store.invalidate(["t:another"], [], ctx);
      const entries = [first, between].map(({ seq, era }) => entryAt(seq, era, "t:0"));
      return { entries, script: TRIM, args: [600_000, 1] };
    },
  },
  {
    title: "a new era after a loss",
    async prepare(namespace) {
      const store = createTestStore(namespace);
      const first = valueOf(await store.invalidate(tags(3), [], ctx));
      await store.invalidate(["t:0"], [], ctx);
      const last = valueOf(await store.invalidate(["t:other"], [], ctx));
      await run(TRIM, namespace, 600_000, 1);
      const entries = [entryAt(first.seq, first.era, "t:0")];
      return { entries, script: ESTABLISH, args: ["new-era", first.era, last.seq + 7, 1_000] };
    },
  },
];

describe("a replica that has only the first commands of a script", () => {
  it.each(SCENES)(
    "an entry that $title makes unusable is never confirmed for good by a replica that has only some of its commands",
    async ({ prepare }) => {
      const primary = uniqueNamespace();
      const { entries, script, args } = await prepare(primary);
      const before = `${primary}-0`;
      await copyLog(primary, before);
      const commands = await run(script, primary, ...args);
      expect(commands.length).toBeGreaterThan(0);
      // The reader of each image: invalid at once if it was invalid before, else never confirmed for good.
      for (let had = 0; had <= commands.length; had++) {
        const image = had === 0 ? before : `${primary}-${had}`;
        if (had > 0) {
          await copyLog(before, image);
          for (const command of commands.slice(0, had))
            await redisCommand(
              ...command.map((word) => word.replace(`${primary}:inv`, `${image}:inv`)),
            );
        }
        for (const entry of entries) {
          const where = `after ${had} of ${commands.length} commands`;
          const wasInvalid = (await createReader(before).verify(entry, before)) === "invalid";
          const found = await createReader(primary).verify(entry, image);
          if (typeof found === "string") expect(found, where).toBe("invalid");
          else {
            expect(wasInvalid, where).toBe(false);
            expect(await createReader(primary).verify(found, primary), where).toBe("invalid");
          }

          const reader = createReader(primary);
          await reader.syncWith(before);
          await reader.syncWith(image);
          await reader.syncWith(primary);
          expect(["valid", "soft"], where).not.toContain(reader.coherence.verdictOf(entry));
        }
      }
    },
  );
});
