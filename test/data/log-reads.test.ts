import { afterEach, describe, expect, it, vi } from "vitest";
import { definePolicy, key } from "../../src/entries/data.ts";
import { createDataIsolate } from "../support/data-isolate.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const POLICY = definePolicy({ freshFor: "5m", jitter: 0 });
const KEY = key("product", 1);

const createIsolate = () =>
  createDataIsolate({ namespace: uniqueNamespace(), store: "the log of the data centre" });

/** Counts the reads of the log of the data centre. */
function countLogReads(): () => number {
  const match = vi.spyOn(Object.getPrototypeOf(caches.default) as Cache, "match");
  return () =>
    match.mock.calls.filter(
      ([request]) => typeof request === "string" && request.endsWith("/__strata/log/record"),
    ).length;
}

describe("the reads of the log of a data centre", () => {
  afterEach(() => void vi.restoreAllMocks());

  it("20 parallel reads that miss read the log once, and reads of a later instant read it again", async () => {
    const isolate = createIsolate();
    isolate.clock.stop();
    await isolate.open().read(KEY, POLICY, async () => "first");
    isolate.clock.advance(10);
    const reads = countLogReads();
    const cache = isolate.open();
    const readAll = async (kind: string) =>
      Promise.all(
        Array.from({ length: 20 }, (_, id) => cache.read(key(kind, id), POLICY, async () => id)),
      );
    await readAll("one");
    expect(reads()).toBe(1);
    isolate.clock.advance(10);
    await readAll("other");
    expect(reads()).toBe(2);
    await isolate.settle();
  });

  it("a value that was loaded after an invalidation in the same millisecond answers the next read", async () => {
    const isolate = createIsolate();
    isolate.clock.stop();
    const read = async () => {
      const { status } = await isolate.open().read(KEY, POLICY, async () => "value");
      return status;
    };
    expect([await read(), await read()]).toEqual(["miss", "hit-memory"]);
    await isolate.open().invalidate(KEY);
    expect([await read(), await read()]).toEqual(["miss", "hit-memory"]);
  });

  it("a read that misses knows an invalidation that another isolate has made before it, so that its value is not rejected later", async () => {
    const namespace = uniqueNamespace();
    const store = "the log of the data centre";
    const one = createDataIsolate({ namespace, store });
    const other = createDataIsolate({ namespace, store, clock: one.clock });
    const read = async () => (await one.open().read(KEY, POLICY, async () => "value")).status;
    await one.open().get(key("product", 2), POLICY);
    one.clock.advance(10);
    await other.open().invalidate(KEY);
    one.clock.advance(10);
    expect(await read()).toBe("miss");
    one.clock.advance(1_500);
    expect(await read()).toBe("hit-memory");
  });
});
