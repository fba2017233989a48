/** Redis refuses to write the invalidation log, because the record or the database is full. */
import { afterEach, describe, expect, it } from "vitest";
import { definePolicy, key } from "../../src/index.ts";
import { createTestIsolate, uniqueNamespace } from "../support/isolate.ts";
import { answerRequests, restoreNetwork } from "../support/network.ts";

afterEach(restoreNetwork);

const policy = definePolicy({ freshFor: "10m", flight: "isolate" });
const KEY = key("item", 1);

describe("an invalidation log that Redis refuses to write", () => {
  it.each([
    "ERR max single record size exceeded",
    "ERR DB capacity quota exceeded",
    "OOM command not allowed when used memory > 'maxmemory'",
  ])(
    "after ten invalidations that Redis refused with the error %j, a read still gets its entry from Redis",
    async (error) => {
      const namespace = uniqueNamespace();
      const first = createTestIsolate({ namespace, host: "a.test" });
      await first.request().read(KEY, policy, async () => "stored");
      await first.settle();

      const isolate = createTestIsolate({ namespace, host: "b.test" });
      const { ctx, read } = isolate.request();
      answerRequests(
        (body) => body.includes("t:refused"),
        () => Response.json({ error }, { status: 400 }),
      );
      for (let i = 0; i < 10; i++)
        expect(await isolate.layer.coherence.invalidate(["t:refused"], ctx)).toMatchObject({
          ok: false,
          fault: { code: "redis.rejected" },
        });
      expect(await read(KEY, policy, async () => "loaded")).toMatchObject({
        value: "stored",
        status: "hit-redis",
      });
    },
  );
});
