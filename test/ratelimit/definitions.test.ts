import { describe, expect, it } from "vitest";
import { DefinitionError } from "../../src/core/faults.ts";
import { parseApiKeys } from "../../src/ratelimit/api-keys.ts";
import { parseLimit } from "../../src/ratelimit/window.ts";
import type { RateLimitOptions } from "../../src/index.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { createLimitedApp } from "./app.ts";

describe("parseLimit", () => {
  it("parseLimit() reads the limit `100/1m` as 100 tokens in 1 minute, and sorts several limits by their time span", () => {
    expect(parseLimit("100/1m", "ip")).toEqual([{ limit: 100, widthMs: 60_000, label: "1m" }]);
    expect(parseLimit(["1000/1h", "5/500ms"], "ip").map(({ label }) => label)).toEqual([
      "500ms",
      "1h",
    ]);
  });

  it.each([
    ["100/0s", "span of 0"],
    ["0/1m", "admits nothing"],
    ["-1/1m", "is not a limit"],
    ["abc", "is not a limit"],
    ["", "is not a limit"],
    ["100", "is not a limit"],
    ["100/60", "is not a limit"],
    ["100/1w", "is not a limit"],
    ["1.5/1m", "is not a limit"],
    ["1e3/1m", "is not a limit"],
    ["100 / 1m", "is not a limit"],
    ["100/1m ", "is not a limit"],
    ["100/32d", "more than 31 days"],
    ["999999999999999/31d", "too large"],
  ])(
    "the malformed rate limit %j throws a DefinitionError that names the field and the reason",
    (text, reason) => {
      expect(() => parseLimit(text, "ip")).toThrow(DefinitionError);
      expect(() => parseLimit(text, "ip")).toThrow(`ip: ${JSON.stringify(text)}`);
      expect(() => parseLimit(text, "ip")).toThrow(reason);
    },
  );

  it("parseLimit() throws an error for a limit that is not a text, for an empty list, and for two limits of one time span", () => {
    expect(() => parseLimit(100 as unknown as string, "user")).toThrow("user: 100 is not a limit");
    expect(() => parseLimit(["5/1m", "6/60s"], "user")).toThrow("two limits for a span of");
    expect(() => parseLimit([], "user")).toThrow("user: names no limit");
  });
});

describe("rateLimit", () => {
  const cases: readonly (readonly [what: string, options: unknown, message: string])[] = [
    ["options without a limit", {}, "limits: give at least one"],
    ["a malformed limit", { ip: "100/0s" }, "ip: "],
    ["a negative limit", { user: "-1/1m" }, "user: "],
    [
      "a malformed limit of a plan",
      { user: { default: "1/1m", plans: { pro: "abc" } } },
      "user.plans.pro: ",
    ],
    ["a plan without a default", { user: { plans: {} } }, "user: must be a limit"],
    ["an unknown mode", { ip: "1/1m", mode: "quick" }, "mode: must be one of"],
    [
      "an unknown fallback",
      { ip: "1/1m", onUnavailable: "maybe" },
      "onUnavailable: must be one of",
    ],
    ["an unknown algorithm", { ip: "1/1m", algorithm: "leaky" }, "algorithm: must be one of"],
    [
      "the sliding log in fast mode",
      { ip: "1/1m", mode: "fast", algorithm: "sliding-log" },
      "mode: ",
    ],
    [
      "a sliding log with a limit above 1,000",
      { ip: "5000/1m", algorithm: "sliding-log" },
      "algorithm: ",
    ],
    ["a lease above 1", { ip: "1/1m", lease: 2 }, "lease: "],
    ["a fixed cost of 0", { ip: "5/1m", cost: 0 }, "cost: "],
    ["a cost that is not a whole number", { ip: "5/1m", cost: 1.5 }, "cost: "],
    [
      "a cost above the limit",
      { ip: ["5/1s", "100/1m"], cost: 6 },
      "cost: 6 would never fit into a limit of 5",
    ],
    ["a name with a colon", { ip: "5/1m", name: "a:b" }, "name: "],
  ];

  it.each(cases)("rateLimit() throws a DefinitionError for %s", (_, options, message) => {
    createLimitedApp(uniqueNamespace(), (_app, rateLimit) => {
      expect(() => rateLimit(options as RateLimitOptions)).toThrow(DefinitionError);
      expect(() => rateLimit(options as RateLimitOptions)).toThrow(message);
    });
  });

  it("rateLimit() throws an error if two rate limits have the same name and different limits", () => {
    createLimitedApp(uniqueNamespace(), (_app, rateLimit) => {
      rateLimit({ name: "api", ip: "5/1m" });
      rateLimit({ name: "api", ip: "5/1m", user: "10/1h" });
      expect(() => rateLimit({ name: "api", ip: "6/1m" })).toThrow(
        'name: "api" has other limits for ip',
      );
    });
  });
});

describe("API_KEYS", () => {
  const digest = "a".repeat(64);

  it("the environment variable API_KEYS is read as digests of API keys, each with a user and an optional plan", () => {
    const users = parseApiKeys(`${digest} alice pro, ${"b".repeat(64)} bob\n`);
    expect(users.get(digest)).toEqual({ id: "alice", plan: "pro" });
    expect(users.get("b".repeat(64))).toEqual({ id: "bob" });
  });

  it.each(["secret alice", digest, `${digest} a b c`, `${digest.toUpperCase()} alice`])(
    "the malformed API_KEYS entry %j is rejected with an error that does not repeat the entry",
    (text) => {
      expect(() => parseApiKeys(text)).toThrow("API_KEYS: entry 1 must be");
      expect(() => parseApiKeys(text)).not.toThrow(text);
    },
  );

  it("createStrata() throws an error that names API_KEYS if this environment variable is malformed", () => {
    expect(() => createLimitedApp(uniqueNamespace(), () => undefined, { API_KEYS: "x" })).toThrow(
      "API_KEYS: must be entries of",
    );
  });
});
