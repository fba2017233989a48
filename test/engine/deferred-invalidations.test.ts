/** Redis answers reads and refuses writes, so that invalidations are deferred. */
import { afterEach, describe, expect, it } from "vitest";
import { definePolicy, key } from "../../src/index.ts";
import {
  createTestClock,
  createTestIsolate,
  uniqueNamespace,
  type TestIsolate,
} from "../support/isolate.ts";
import { answerRequests, restoreNetwork } from "../support/network.ts";
import { createRegionLogs } from "../support/region-logs.ts";

const WINDOW_MS = 2_000;
const policy = definePolicy({
  freshFor: "10m",
  jitter: 0,
  flight: "isolate",
  coherence: WINDOW_MS,
});
const ITEM = key("item", 1);
const OTHER = key("item", 2);
const READONLY = "READONLY You can't write against a read only replica.";
const REDIS_COMMANDS_THAT_WRITE = ["EVAL", "EVALSHA", "SET"];

/** Redis refuses every command that writes, as a replica or a full database does. */
function refuseWrites(): void {
  answerRequests(
    (body) => {
      const parsed = JSON.parse(body) as unknown;
      if (!Array.isArray(parsed)) return false;
      const commands = Array.isArray(parsed[0]) ? (parsed as unknown[][]) : [parsed];
      return commands.some(([name]) =>
        REDIS_COMMANDS_THAT_WRITE.includes(String(name).toUpperCase()),
      );
    },
    () => Response.json({ error: READONLY }, { status: 400 }),
  );
}

afterEach(restoreNetwork);

/** A writer in one region, and a leader and a follower of a data centre in another. */
async function createWorld() {
  const namespace = uniqueNamespace();
  const clock = createTestClock();
  clock.stop();
  const logs = createRegionLogs(clock);
  const create = (host: string, region: string) =>
    createTestIsolate({
      namespace,
      clock,
      host: `${namespace}.${host}`,
      region,
      bindings: { LOGS: logs.LOGS },
    });
  const writer = create("na.test", "na");
  const readers = [create("eu.test", "eu"), create("eu.test", "eu")];
  let value = "old";

  async function read(isolate: TestIsolate, name: string) {
    const found = await isolate.request().read(name, policy, async () => value);
    await isolate.settle();
    return `${found.value} ${found.status}`;
  }
  const readAll = async (name: string) => {
    const answers: string[] = [];
    for (const isolate of readers) answers.push(await read(isolate, name));
    return answers;
  };
  for (const name of [ITEM, OTHER]) {
    await read(writer, name);
    await readAll(name);
  }
  return {
    read,
    readAll,
    /** Moves the clock by a fifth of a window. Then each reader asks Redis for a key that it does not know. */
    async readAllOfRedis(name: string) {
      clock.advance(WINDOW_MS / 5);
      await readAll(key("item", name));
    },
    start: () => create("oc.test", "oc"),
    /** Moves the clock by three windows in which no isolate is read. */
    async pause() {
      clock.advance(3 * WINDOW_MS);
      for (const isolate of [writer, ...readers]) await isolate.settle();
    },
    /** Moves the clock by one window, while all isolates are read. */
    async passWindow() {
      for (let i = 0; i < 10; i++) {
        clock.advance(WINDOW_MS / 10);
        for (const isolate of [writer, ...readers]) await isolate.settle();
        await readAll(OTHER);
      }
      clock.advance(1);
    },
    change: () => void (value = "new"),
    async purge() {
      const { ctx } = writer.request();
      const state = await writer.layer.writer.purge({ keys: [ITEM] }, ctx);
      await writer.settle();
      return state;
    },
    /** Runs the relay, as the cron trigger does. */
    async relay() {
      const report = await writer.layer.writer.relay(writer.request().ctx);
      await writer.settle();
      return report;
    },
    loseObjects: logs.lose,
  };
}

describe("an invalidation that Redis refuses to write, while it answers reads", () => {
  it("within one coherence window, isolates of another region that share their syncs load the entry instead of serving the old value, and still serve other entries from memory", async () => {
    const world = await createWorld();
    expect(await world.readAll(ITEM)).toEqual(["old hit-memory", "old hit-memory"]);
    refuseWrites();
    world.change();
    expect(await world.purge()).toBe("deferred");
    await world.passWindow();
    expect(await world.readAll(ITEM)).toEqual(["new miss", "new miss"]);
    expect(await world.readAll(OTHER)).toEqual(["old hit-memory", "old hit-memory"]);
  });

  it("once the relay has delivered the deferred invalidation, isolates of another region serve the new value from memory again", async () => {
    const world = await createWorld();
    refuseWrites();
    world.change();
    await world.purge();
    await world.passWindow();
    await world.readAll(ITEM);
    restoreNetwork();
    expect(await world.relay()).toMatchObject({ invalidated: 1 });
    await world.passWindow();
    await world.readAll(ITEM);
    expect(await world.readAll(ITEM)).toEqual(["new hit-memory", "new hit-memory"]);
  });

  it("an isolate whose first read after a pause asks Redis itself learns of the deferred invalidation from the log object, and loads the entry", async () => {
    const world = await createWorld();
    refuseWrites();
    world.change();
    await world.purge();
    await world.pause();
    expect(await world.readAll(ITEM)).toEqual(["new miss", "new miss"]);
  });

  it("an isolate that starts after the deferred invalidation loads the entry from its second read on, although Redis has the old value", async () => {
    const world = await createWorld();
    refuseWrites();
    world.change();
    await world.purge();
    const isolate = world.start();
    await world.read(isolate, ITEM);
    expect(await world.read(isolate, ITEM)).toBe("new miss");
  });

  it("an isolate whose log view reads of Redis keep recent learns of the deferred invalidation within one coherence window", async () => {
    const world = await createWorld();
    refuseWrites();
    world.change();
    await world.purge();
    for (let i = 0; i < 5; i++) await world.readAllOfRedis(`missing-${i}`);
    expect(await world.readAll(ITEM)).toEqual(["new miss", "new miss"]);
  });

  it("after the log objects were lost, a run of the relay that Redis refuses announces the deferred invalidation again", async () => {
    const world = await createWorld();
    refuseWrites();
    world.change();
    await world.purge();
    world.loseObjects();
    expect(await world.relay()).toMatchObject({ fault: { code: "redis.rejected" } });
    await world.passWindow();
    expect(await world.readAll(ITEM)).toEqual(["new miss", "new miss"]);
  });
});
