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
    /** The row changes, and the invalidation of its tag is acknowledged. */
    async change(): Promise<void> {
      row.value = 2;
      const { ctx } = writer.request();
      valueOf(await writer.layer.coherence.invalidate(["t:products"], ctx));
    },
  };
}

type World = ReturnType<typeof setup>;
type Read = (isolate: TestIsolate, load: () => Promise<number>) => Promise<number | undefined>;

/** What is seen by the loader's data centre, by the rest of the world, and by the loader itself. */
async function seen({ row, at, loader }: World, read: Read): Promise<Set<number | undefined>> {
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
    "of a policy's tag",
    async (isolate, load) => (await isolate.request().read("product:1", policy, load)).value,
  ],
  [
    "of a tag that was found in the result",
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
    "of an inner value, its tag known to the inner alone",
    async (isolate, load) => {
      const outer = async (context: LoadContext): Promise<number> => {
        const { value = -1 } = await context.read("product:1", policy, load);
        return value;
      };
      return (await isolate.request().read("list:1", untagged, outer)).value;
    },
  ],
];

describe("a load that began before a purge", () => {
  it.each(reads)("%s leaves nothing behind, in no tier", async (_, read) => {
    const world = setup();
    const { row, loader, change } = world;
    /** Makes the loader's isolate hear what the log has to say. */
    const hear = async (): Promise<unknown> => {
      loader.clock.advance(1_001);
      return loader.request().read("other:1", untagged, async () => 0);
    };
    await hear();
    await read(loader, async () => {
      const old = row.value;
      await change();
      // By the time it ends, the isolate knows of the purge; what was read is from before it.
      await hear();
      return old;
    });
    await loader.settle();
    expect(await seen(world, read)).toEqual(new Set([2]));
  });
});

describe("an old entry that is written late", () => {
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

  it("into Redis is served to nobody", async () => {
    const { world, read, entry } = await stale();
    const { ctx } = world.loader.request();
    valueOf(await createTestStore(world.namespace).write([entry], ctx));
    expect(await seen(world, read)).toEqual(new Set([2]));
  });

  it("into the edge is served to nobody, a fresh isolate included", async () => {
    const { world, read, entry } = await stale();
    const open = (): Promise<Cache> => caches.open(world.namespace);
    const edge = createEdgeTier({ open, timeoutMs: 5_000, withTimeout });
    const { ctx } = world.loader.request();
    // The new value is everywhere, and then the old one comes.
    await read(world.at("colo.test"), async () => world.row.value);
    valueOf(await edge.set(entry, ctx));
    expect(await seen(world, read)).toEqual(new Set([2]));
  });
});
