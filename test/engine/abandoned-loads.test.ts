/** Loads that wait for an origin slot while their readers leave. */
import { describe, expect, it } from "vitest";
import type { DataReader } from "../../src/core/data-reader.ts";
import { definePolicy, key } from "../../src/index.ts";
import { createTestIsolate, uniqueNamespace } from "../support/isolate.ts";

const POLICY = definePolicy({
  freshFor: "1m",
  staleWhileRevalidate: "1h",
  jitter: 0,
  flight: "isolate",
  tiers: ["memory"],
});

/** An isolate whose only origin slot is taken until `free` is called. */
async function busyIsolate() {
  const isolate = createTestIsolate({
    namespace: uniqueNamespace(),
    options: { origin: { slots: 1, slotWait: "10s" }, redis: { timeout: "10s" } },
  });
  // The log view is known before, so that a read waits for nothing but its slot.
  await isolate.request().read(key("first", 1), POLICY, async () => 1);
  const gate = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const holder = isolate.request().read(key("holder", 1), POLICY, async () => {
    began.resolve();
    await gate.promise;
    return 1;
  });
  await began.promise;
  return {
    isolate,
    async free() {
      gate.resolve();
      await holder;
    },
  };
}

function countedLoad() {
  const counted = { loads: 0, load: async () => ++counted.loads };
  return counted;
}

const faultsOf = (isolate: { readonly events: readonly { readonly type: string }[] }) =>
  isolate.events.filter(({ type }) => type === "fault.raise");
const turn = () => new Promise((resolve) => setTimeout(resolve));

describe("a load that waits for an origin slot", () => {
  it("a load whose only reader leaves before it gets an origin slot is not made, and the next reader of the key loads", async () => {
    const { isolate, free } = await busyIsolate();
    const origin = countedLoad();
    let hasLeft = false;
    const reading = isolate.request(() => hasLeft).read(key("part", 1), POLICY, origin.load);
    await turn();
    hasLeft = true;
    const [ended] = await Promise.all([reading.catch((error: unknown) => error), free()]);
    expect(ended).toMatchObject({ fault: { code: "origin.abandoned" } });
    expect(origin.loads).toBe(0);
    expect(faultsOf(isolate)).toMatchObject([{ fault: { code: "origin.abandoned" } }]);
    const { value } = await isolate.request().read(key("part", 1), POLICY, origin.load);
    expect(value).toBe(1);
  });

  it("a load whose first reader leaves is made for the reader that follows it", async () => {
    const { isolate, free } = await busyIsolate();
    const origin = countedLoad();
    let hasLeft = false;
    const read = (reader: DataReader) => reader.read(key("part", 1), POLICY, origin.load);
    const leading = read(isolate.request(() => hasLeft));
    await turn();
    const following = read(isolate.request());
    await turn();
    hasLeft = true;
    await free();
    expect((await following).value).toBe(1);
    expect((await leading).value).toBe(1);
    expect(origin.loads).toBe(1);
  });

  it("a load inside a load is made although the client of the outer load has left, because another reader follows the outer load", async () => {
    const { isolate, free } = await busyIsolate();
    const origin = countedLoad();
    let hasLeft = false;
    const page = (reader: DataReader) =>
      reader.read(key("page", 1), POLICY, async ({ read }) => {
        // The outer load has its slot, and the inner one waits for the slot of another load.
        hasLeft = true;
        return (await read(key("part", 1), POLICY, origin.load)).value;
      });
    const leading = page(isolate.request(() => hasLeft));
    await turn();
    const following = page(isolate.request());
    await turn();
    await free();
    expect((await following).value).toBe(1);
    await leading;
    expect(origin.loads).toBe(1);
  });

  it("a refresh that waits for an origin slot is made although the client that caused it has left", async () => {
    const { isolate, free } = await busyIsolate();
    const origin = countedLoad();
    await free();
    await isolate.request().read(key("part", 1), POLICY, origin.load);
    isolate.clock.advance(61_000);
    const stale = await isolate.request(() => true).read(key("part", 1), POLICY, origin.load);
    expect(stale.status).toBe("stale");
    await isolate.settle();
    expect(origin.loads).toBe(2);
  });

  it("a batch is loaded while one of its readers has not left", async () => {
    const { isolate, free } = await busyIsolate();
    let loads = 0;
    const batch = async (keys: readonly string[]) => {
      loads++;
      return new Map(keys.map((name) => [name, name]));
    };
    let hasLeft = false;
    const keys = [key("part", 1), key("part", 2)];
    const first = isolate.request(() => hasLeft).readMany(keys, POLICY, batch);
    await turn();
    const second = isolate.request().read(key("part", 2), POLICY, async () => "own");
    await turn();
    hasLeft = true;
    await free();
    expect((await second).value).toBe("part:2");
    await first;
    expect(loads).toBe(1);
  });
});
