import { describe, expect, it } from "vitest";
import type { Entry } from "../../src/core/entry.ts";
import type { LoadContext } from "../../src/core/data-reader.ts";
import { definePolicy } from "../../src/index.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createEdgeTier } from "../../src/tiers/edge.ts";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";
import { createTestStore, valueOf } from "./stores.ts";

const policy = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"], flight: "isolate" });
const untagged = definePolicy({ freshFor: "10m", jitter: 0, flight: "isolate" });

function setup() {
  const namespace = uniqueNamespace();
  const at = (host: string): TestIsolate => createTestIsolate({ namespace, host });
  const row = { value: 1 };
  const writer = at("writer.test");
  return {
    namespace,
    row,
    at,
    loader: at("colo.test"),
    /** Changes the row and invalidates its tag. */
    async change(): Promise<void> {
      row.value = 2;
      const { ctx } = writer.request();
      valueOf(await writer.layer.coherence.invalidate(["t:products"], ctx));
    },
  };
}

type Setup = ReturnType<typeof setup>;
type Read = (isolate: TestIsolate, load: () => Promise<number>) => Promise<number | undefined>;

/** The values that a fresh isolate of the loader's data centre, one elsewhere and the loader read. */
async function seen({ row, at, loader }: Setup, read: Read): Promise<Set<number | undefined>> {
  loader.clock.advance(1_001);
  const values = new Set<number | undefined>();
  for (const isolate of [at("colo.test"), at("elsewhere.test"), loader]) {
    values.add(await read(isolate, async () => row.value));
    await isolate.settle();
    values.add(await read(isolate, async () => row.value));
  }
  return values;
}

const reads: readonly [string, Read][] = [
  [
    "by a tag of the policy",
    async (isolate, load) => (await isolate.request().read("product:1", policy, load)).value,
  ],
  [
    "by a tag found in the result",
    async (isolate, load) => {
      const tagged = async (context: LoadContext): Promise<number> => {
        const value = await load();
        context.tag("products");
        return value;
      };
      return (await isolate.request().read("product:1", untagged, tagged)).value;
    },
  ],
  [
    "of a batch",
    async (isolate, load) => {
      const loadMany = async () => new Map([["product:1", await load()]]);
      const found = await isolate.request().readMany(["product:1"], policy, loadMany);
      return found.get("product:1")?.value;
    },
  ],
  [
    "by a tag of an inner value",
    async (isolate, load) => {
      const outer = async (context: LoadContext): Promise<number> => {
        const { value = -1 } = await context.read("product:1", policy, load);
        return value;
      };
      return (await isolate.request().read("list:1", untagged, outer)).value;
    },
  ],
];

describe("loads that began before a purge", () => {
  it.each(reads)(
    "no tier serves a value that was loaded before a purge and stored after it (read %s)",
    async (_, read) => {
      const world = setup();
      const { row, loader, change } = world;
      /** Makes the loader's isolate sync with the log. */
      const sync = async (): Promise<unknown> => {
        loader.clock.advance(1_001);
        return loader.request().read("other:1", untagged, async () => 0);
      };
      await sync();
      await read(loader, async () => {
        const old = row.value;
        await change();
        // The isolate learns of the purge before the load ends; the value is from before the purge.
        await sync();
        return old;
      });
      await loader.settle();
      expect(await seen(world, read)).toEqual(new Set([2]));
    },
  );
});

describe("old entries that are written late", () => {
  async function stale() {
    const world = setup();
    const [[, read]] = reads as [[string, Read]];
    await read(world.loader, async () => world.row.value);
    await world.loader.settle();
    const entry = world.loader.layer.memory.peek("product:1");
    if (entry === undefined) throw new Error("the loader must hold its entry");
    await world.change();
    return { world, read, entry: entry satisfies Entry };
  }

  it("an old entry that is written to Redis after the purge of its tag is never served", async () => {
    const { world, read, entry } = await stale();
    const { ctx } = world.loader.request();
    valueOf(await createTestStore(world.namespace).write([entry], ctx));
    expect(await seen(world, read)).toEqual(new Set([2]));
  });

  it("an old entry that is written to the edge after the purge of its tag is never served, not even by a new isolate", async () => {
    const { world, read, entry } = await stale();
    const open = (): Promise<Cache> => caches.open(world.namespace);
    const edge = createEdgeTier({ open, timeoutMs: 5_000, withTimeout });
    const { ctx } = world.loader.request();
    // The new value is in all tiers before the old one is written.
    await read(world.at("colo.test"), async () => world.row.value);
    valueOf(await edge.set(entry, ctx));
    expect(await seen(world, read)).toEqual(new Set([2]));
  });
});
