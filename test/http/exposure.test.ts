/** What response fields tell a client about the parts behind the cache. */
import { describe, expect, it } from "vitest";
import { withoutDetail } from "../../src/http/cache/cache-status.ts";
import { createObservedApi } from "../api/observed.ts";

const FIELDS = ["Cache-Status", "X-Cache-Status", "Server-Timing", "X-Response-Time"] as const;
const quiet = { OTEL_SDK_DISABLED: "true" };

async function missAndHit(variables: Readonly<Record<string, string>>) {
  const { send } = createObservedApi({ ...quiet, ...variables });
  const init = { ip: "192.0.2.1" };
  return { miss: await send("/products/1", init), hit: await send("/products/1", init) };
}

describe("STRATA_EXPOSE", () => {
  it.each([{}, { STRATA_EXPOSE: "" }, { STRATA_EXPOSE: "all" }])(
    "with the environment variables %j, Cache-Status names the tier of a hit and Server-Timing names the steps of a miss",
    async (variables) => {
      const { miss, hit } = await missAndHit(variables);
      expect(miss.headers.get("Server-Timing")).toMatch(/origin;dur=\d+.*total;dur=\d+$/);
      expect(hit.headers.get("Cache-Status")).toMatch(/^strata; hit; ttl=\d+; detail=memory$/);
    },
  );

  it("with STRATA_EXPOSE=status, Cache-Status names no cache tier, and Server-Timing has only the total time", async () => {
    const { miss, hit } = await missAndHit({ STRATA_EXPOSE: "status" });
    expect(miss.headers.get("Cache-Status")).toBe("strata; fwd=uri-miss; fwd-status=200; stored");
    expect(hit.headers.get("Cache-Status")).toMatch(/^strata; hit; ttl=\d+$/);
    for (const { headers } of [miss, hit]) {
      expect(headers.get("Server-Timing")).toMatch(/^total;dur=\d+$/);
      expect(headers.get("X-Response-Time")).toMatch(/^\d+ms$/);
    }
    expect([miss, hit].map(({ headers }) => headers.get("X-Cache-Status"))).toEqual([
      "MISS",
      "HIT",
    ]);
  });

  it("with STRATA_EXPOSE=none, responses have none of Cache-Status, X-Cache-Status, Server-Timing and X-Response-Time", async () => {
    const { miss, hit } = await missAndHit({ STRATA_EXPOSE: "none" });
    for (const { status, headers } of [miss, hit]) {
      expect(status).toBe(200);
      expect(FIELDS.filter((name) => headers.has(name))).toEqual([]);
      expect(headers.get("ETag")).not.toBeNull();
    }
  });

  it.each([
    ["strata; hit; ttl=-3; detail=stale-on-error; unreachable", "strata; hit; ttl=-3"],
    ["strata; hit; ttl=0; detail=stale-on-error; unconfirmed", "strata; hit; ttl=0"],
    ["strata; hit; detail=existence", "strata; hit"],
    ["strata; fwd=uri-miss; detail=timeout", "strata; fwd=uri-miss"],
    ["strata; fwd=stale; fwd-status=200; stored; collapsed", undefined],
  ])(
    "withoutDetail() removes the parameters `detail`, `unreachable` and `unconfirmed` from the Cache-Status member %s, and no other parameter",
    (member, shown = member) => {
      expect(withoutDetail({ member, plain: "HIT" })).toEqual({ member: shown, plain: "HIT" });
    },
  );

  it("STRATA_EXPOSE=some is rejected with an error that names the variable and the allowed values all, status and none", () => {
    expect(() => createObservedApi({ ...quiet, STRATA_EXPOSE: "some" })).toThrow(
      /STRATA_EXPOSE: must be all, status or none/,
    );
  });
});
