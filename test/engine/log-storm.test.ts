/** Many invalidations between two syncs of an isolate. */
import { afterEach, describe, expect, it } from "vitest";
import { invalidationKeyOfTag } from "../../src/core/invalidation-key.ts";
import { MAX_NUMBERS } from "../../src/core/log-view.ts";
import { definePolicy, key } from "../../src/index.ts";
import { createTestClock, createTestIsolate, uniqueNamespace } from "../support/isolate.ts";
import type { TestIsolate } from "../support/isolate.ts";
import { refuseRequests, restoreNetwork } from "../support/network.ts";
import { WINDOW_MS } from "../support/observers.ts";

afterEach(restoreNetwork);

const ENTRIES = 300;
/** Requests of a busy machine do not time out, and 2,000 loads at once wait for no slot. */
const options = { redis: { timeout: "20s" }, origin: { slots: 2_000 } } as const;
const policy = definePolicy({ freshFor: "10m", jitter: 0, flight: "isolate" });
const KEYS = Array.from({ length: ENTRIES }, (_, at) => key("item", at));

const readAll = (isolate: TestIsolate) =>
  Promise.all(KEYS.map((one) => isolate.request().read(one, policy, async () => one)));
const requestsOf = ({ events }: TestIsolate) =>
  events.filter((event) => event.type === "redis.end").map(({ operation }) => operation);

function createIsolates() {
  const namespace = uniqueNamespace();
  const clock = createTestClock();
  clock.stop();
  const create = (host: string) => createTestIsolate({ namespace, clock, host, options });
  return { clock, reader: create("a.test"), writer: create("b.test"), fresh: create("a.test") };
}

/** Isolates of one namespace that keep what they load in memory alone. */
function createReaders(count: number) {
  const namespace = uniqueNamespace();
  const clock = createTestClock();
  clock.stop();
  const create = () => createTestIsolate({ namespace, clock, options });
  return { clock, writer: create(), readers: Array.from({ length: count }, create) };
}

const memoryOnly = definePolicy({
  freshFor: "10m",
  jitter: 0,
  flight: "isolate",
  tiers: ["memory"],
});
const ITEMS = Array.from({ length: 2_000 }, (_, at) => key("item", at));
const readFirst = (count: number, isolate: TestIsolate) =>
  Promise.all(
    ITEMS.slice(0, count).map((one) => isolate.request().read(one, memoryOnly, async () => one)),
  );

async function purge(writer: TestIsolate, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, at) => invalidationKeyOfTag(`unrelated-${at}`));
  const done = await writer.layer.coherence.invalidate(names, writer.request().ctx);
  expect(done.ok).toBe(true);
}

describe("a storm of invalidations", () => {
  it("after 2,000 invalidations since its last sync, an isolate serves 300 memory entries with two Redis requests, both syncs of the invalidation log", async () => {
    const { clock, reader, writer } = createIsolates();
    await readAll(reader);
    await reader.settle();
    await purge(writer, 2_000);
    clock.advance(WINDOW_MS);
    reader.events.length = 0;
    const statuses = (await readAll(reader)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set(["hit-memory"]));
    // One sync, and one that gets all changes. Before: 300 verifications.
    expect(requestsOf(reader)).toEqual(["sync", "sync"]);
  });

  it.each([
    [1, 2_000],
    [8, 500],
  ])(
    "with %i isolates, the %i memory hits of an isolate that each need a verification of their own share one Redis request after the sync",
    async (isolates, hits) => {
      const { writer, readers, clock } = createReaders(isolates);
      for (const reader of readers) await readFirst(hits, reader);
      await purge(writer, 2_000);
      clock.advance(WINDOW_MS);
      // Without the remaining changes, the view knows nothing about the time before the newest 1,000.
      refuseRequests((body) => body.includes(String(MAX_NUMBERS)));
      for (const reader of readers) {
        reader.events.length = 0;
        const statuses = (await readFirst(hits, reader)).map(({ status }) => status);
        expect(new Set(statuses)).toEqual(new Set(["hit-memory"]));
        expect(requestsOf(reader)).toEqual(["sync", "sync", "verify"]);
      }
    },
  );

  it("a batch of 500 memory hits that each need a verification of their own sends one Redis request after the sync", async () => {
    const { writer, readers, clock } = createReaders(1);
    const [reader = writer] = readers;
    await readFirst(500, reader);
    await purge(writer, 2_000);
    clock.advance(WINDOW_MS);
    refuseRequests((body) => body.includes(String(MAX_NUMBERS)));
    reader.events.length = 0;
    const found = await reader
      .request()
      .readMany(ITEMS.slice(0, 500), memoryOnly, async () => new Map());
    const statuses = [...found.values()].map(({ status }) => status);
    expect(statuses).toEqual(Array.from({ length: 500 }, () => "hit-memory"));
    expect(requestsOf(reader)).toEqual(["sync", "sync", "verify"]);
  });

  it("after 100 invalidations, a new isolate serves 300 edge entries with no Redis request except syncs of the invalidation log", async () => {
    const { clock, reader, writer, fresh } = createIsolates();
    await readAll(reader);
    await reader.settle();
    await purge(writer, 100);
    clock.advance(WINDOW_MS);
    const statuses = (await readAll(fresh)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set(["hit-edge"]));
    expect(requestsOf(fresh).filter((operation) => operation !== "sync")).toEqual([]);
  });

  it("if a sync of the invalidation log succeeds and only the request for the remaining changes fails, a memory hit is not `unreachable`", async () => {
    const { clock, reader, writer } = createIsolates();
    const [first = ""] = KEYS;
    const readIt = () => reader.request().read(first, policy, async () => first);
    await readIt();
    await reader.settle();
    await purge(writer, 2_000);
    clock.advance(WINDOW_MS);
    refuseRequests((body) => body.includes(String(MAX_NUMBERS)));
    expect(await readIt()).toMatchObject({ status: "hit-memory", unreachable: false });
  });
});
