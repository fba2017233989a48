/** The options `headers.*`: the families of response fields that the layer sends. */
import { describe, expect, it } from "vitest";
import { cached, type StrataOptions } from "../../src/index.ts";
import { createTelemetryApp, newNamespace } from "../telemetry/support.ts";

const FIELDS = [
  "Cache-Status",
  "RateLimit",
  "RateLimit-Policy",
  "Server-Timing",
  "X-Cache-Status",
  "X-RateLimit-Limit",
  "X-RateLimit-Remaining",
  "X-RateLimit-Reset",
  "X-Response-Time",
  "traceparent",
];

/** Sends a miss and a hit to a limited route, and returns the fields of both that the layer has added. */
async function fieldsWith(headers: StrataOptions["headers"], path = "/things/1") {
  const options = headers === undefined ? {} : { headers };
  const { get } = createTelemetryApp(
    newNamespace(),
    (app, { rateLimits: { rateLimit } }) => {
      app.use(rateLimit({ name: "wide", ip: "100/1m", mode: "fast" }));
      app.use("/narrow/*", rateLimit({ name: "narrow", ip: "10/1m", mode: "fast" }));
      app.use("/things/*", cached({ freshFor: "1h" }));
      app.get("*", (c) => c.text("ok", 200, { "X-RateLimit-Remaining": "3" }));
    },
    { OTEL_TRACES_SAMPLER: "always_off" },
    options,
  );
  const ip = { "CF-Connecting-IP": "192.0.2.1" };
  await get(path, ip);
  const answer = await get(path, ip);
  return {
    sent: FIELDS.filter((name) => answer.headers.has(name)),
    missing: FIELDS.filter((name) => !answer.headers.has(name)),
    answer,
  };
}

describe("headers options", () => {
  it("without an option, a hit has the fields of every family", async () => {
    const { missing, answer } = await fieldsWith(undefined);
    expect(missing).toEqual([]);
    expect(answer.headers.get("X-Cache-Status")).toBe("HIT");
    expect(answer.headers.get("X-RateLimit-Remaining")).toBe("98");
  });

  it.each([
    [{ rateLimit: "ietf" }, ["X-RateLimit-Limit", "X-RateLimit-Reset"]],
    [{ rateLimit: "x" }, ["RateLimit", "RateLimit-Policy"]],
    [{ cacheStatus: "ietf" }, ["X-Cache-Status"]],
    [{ cacheStatus: "x" }, ["Cache-Status"]],
    [{ timing: false }, ["Server-Timing", "X-Response-Time"]],
    [{ trace: false }, ["traceparent"]],
  ] satisfies [StrataOptions["headers"], string[]][])(
    "with the options `headers` %j, a hit lacks the fields %j and has all others",
    async (headers, lacking) => {
      expect((await fieldsWith(headers)).missing).toEqual(lacking);
    },
  );

  it.each(["both", "x"] as const)(
    "with the option `headers.rateLimit` %s, a request of two rate limiters gets `X-RateLimit-*` of the limiter with fewer tokens left, and no value of the handler",
    async (rateLimit) => {
      const { answer } = await fieldsWith({ rateLimit }, "/narrow/1");
      expect(answer.headers.get("X-RateLimit-Limit")).toBe("10");
      expect(answer.headers.get("X-RateLimit-Remaining")).toBe("8");
    },
  );

  it("with the option `headers.rateLimit` ietf, the field X-RateLimit-Remaining of a handler stays", async () => {
    const { answer } = await fieldsWith({ rateLimit: "ietf" }, "/other");
    expect(answer.headers.get("X-RateLimit-Remaining")).toBe("3");
  });
});
