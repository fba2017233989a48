import { describe, expect, it } from "vitest";
import { definePolicy, key } from "../../src/index.ts";
import { createTestIsolate, uniqueNamespace } from "../support/isolate.ts";

const policy = definePolicy({ freshFor: "1m", jitter: 0 });
const product = key("product", 42);

describe("a lookup", () => {
  it("a key is loaded once and then read from memory", async () => {
    const isolate = createTestIsolate({ namespace: uniqueNamespace() });
    let loads = 0;
    const load = async () => ({ loads: ++loads });

    const first = await isolate.request().read(product, policy, load);
    await isolate.settle();
    const second = await isolate.request().read(product, policy, load);

    expect(first.status).toBe("miss");
    expect(first.stored).toBe(true);
    expect(second.status).toBe("hit-memory");
    expect(second.value).toEqual({ loads: 1 });
  });

  it("a second isolate reads an entry from the edge in the same data centre, and from Redis in a different data centre", async () => {
    const namespace = uniqueNamespace();
    const [one, near, far] = ["colo-a", "colo-a", "colo-b"].map((host) =>
      createTestIsolate({ namespace, host }),
    );
    const load = async () => "value";

    await one?.request().read(product, policy, load);
    await one?.settle();

    expect((await near?.request().read(product, policy, load))?.status).toBe("hit-edge");
    expect((await far?.request().read(product, policy, load))?.status).toBe("hit-redis");
    await far?.settle();
    expect((await far?.request().read(product, policy, load))?.status).toBe("hit-memory");
  });

  it("a lookup after the coherence window sees a purge by another isolate", async () => {
    const namespace = uniqueNamespace();
    const [reader, writer] = ["colo-a", "colo-b"].map((host) =>
      createTestIsolate({ namespace, host }),
    );
    const tagged = definePolicy({ freshFor: "1m", tags: ["products"] });
    let version = 1;
    const load = async () => version;

    await reader?.request().read(product, tagged, load);
    await reader?.settle();
    version = 2;
    const purged = await writer?.layer.coherence.invalidate(["t:products"], writer.request().ctx);
    expect(purged?.ok).toBe(true);
    reader?.clock.advance(1_001);

    const after = await reader?.request().read(product, tagged, load);
    expect(after?.value).toBe(2);
    expect(after?.status).toBe("miss");
  });
});
