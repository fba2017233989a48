import { describe, expect, it } from "vitest";
import type { InvalidationKey } from "../../src/core/invalidation-key.ts";
import { definePolicy, key } from "../../src/index.ts";
import { createGate, type Gate } from "../support/gate.ts";
import type { TestIsolate } from "../support/isolate.ts";
import { neverSeen, WINDOW_MS } from "../support/observers.ts";
import { createWorld, type World } from "../support/shared-world.ts";

const page = key("page", "front");
const inner = definePolicy({ freshFor: "5m", jitter: 0, tags: ["products"] });
const outer = definePolicy({ freshFor: "10m", jitter: 0, tags: ["pages"] });
/** Asks Redis nothing, so that its loads begin with what their isolate knew before. */
const local = definePolicy({
  freshFor: "10m",
  jitter: 0,
  tags: ["pages"],
  tiers: ["memory", "edge"],
});

/** A page that is made of the product; it can be held back once it has read it. */
function readPage(world: World, isolate: TestIsolate, gate?: Gate, policy = outer) {
  return isolate.request().read<number>(page, policy, async (load) => {
    const { value } = await load.read(world.key, inner, world.origin.load);
    await gate?.pass();
    return value;
  });
}

/** What it is made of is changed and purged while the page is being built. */
async function purgeWhileBuilding(
  world: World,
  member: InvalidationKey,
  hears: boolean,
): Promise<void> {
  const gate = createGate();
  const building = readPage(world, world.here, gate);
  await gate.reached;
  await world.writeAndPurge(member);
  if (hears) await world.hear(world.here);
  gate.open();
  expect((await building).value).toBe(1);
  await world.settle();
}

/** Memory may still answer for a coherence window, and the page is made of that answer. */
async function buildOfOld(world: World): Promise<void> {
  await world.read(world.here, inner);
  await world.settle();
  await world.writeAndPurge("t:products");
  expect((await readPage(world, world.here, undefined, local)).value).toBe(1);
  await world.settle();
}

for (const member of ["t:products", "k:product:42", "p:product:"] as const)
  for (const hears of [false, true])
    describe(`a page built of what ${member} named${hears ? ", as its loader heard," : ""} before it was done`, () => {
      neverSeen(readPage, (world) => purgeWhileBuilding(world, member, hears));
    });

describe("a page built of a value that was purged elsewhere a moment ago", () => {
  const read = (world: World, isolate: TestIsolate) => readPage(world, isolate, undefined, local);
  neverSeen(read, (world) => buildOfOld(world));
});

describe("a page built long before what it is made of is purged", () => {
  neverSeen(readPage, async (world) => {
    for (const isolate of [world.here, world.neighbour, world.away]) await readPage(world, isolate);
    await world.settle();
    await world.writeAndPurge("k:product:42");
  });
});

describe("a follower of a page", () => {
  it("is not given what was two windows old when it was read", async () => {
    const world = await createWorld();
    await world.read(world.here, inner);
    await world.settle();
    await world.hear(world.here);
    await world.writeAndPurge("t:products");
    world.clock.advance(900);
    const gate = createGate();
    const building = readPage(world, world.here, gate, local);
    await gate.reached;
    world.clock.advance(900);

    const late = [world.fresh(), world.neighbour].map((isolate) =>
      readPage(world, isolate, undefined, local),
    );
    for (const isolate of [world.here, world.neighbour]) await world.hear(isolate);
    gate.open();
    expect((await building).value).toBe(1);
    for (const { value } of await Promise.all(late)) expect(value).toBe(2);
  });
});

describe("an entry made of another", () => {
  it("has the tags of both, the shorter lifetime and the lower number", async () => {
    const world = await createWorld();
    const part = await world.read(world.here, inner);
    await world.settle();
    await world.purge("t:unrelated");
    world.clock.advance(WINDOW_MS);
    await world.hear(world.here);

    const whole = (await readPage(world, world.here)).entry;
    expect(whole?.invalidationKeys).toEqual(
      expect.arrayContaining([
        "t:pages",
        "t:products",
        "k:page:front",
        "k:product:42",
        "p:product:",
      ]),
    );
    expect(whole?.freshUntil).toBe(part.entry?.freshUntil);
    expect(whole?.asOf).toBe(part.entry?.asOf);
    expect(whole?.asOf).toBeLessThan(world.here.layer.coherence.logPosition().asOf);
  });

  it("is not kept if what it is made of may not be", async () => {
    const world = await createWorld();
    const read = (isolate: TestIsolate) =>
      isolate.request().read<number>(page, outer, async (load) => {
        const part = await load.read(world.key, inner, async (deeper) => {
          deeper.noStore();
          return world.origin.load(deeper);
        });
        return part.value;
      });
    expect((await read(world.here)).status).toBe("bypass");
    world.origin.write();
    expect((await read(world.here)).value).toBe(2);
    expect((await read(world.neighbour)).value).toBe(2);
  });
});
