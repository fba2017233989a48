import { describe, expect, it } from "vitest";
import { MAX_LISTENERS, MAX_LISTENERS_PER_CLIENT, refusalOf } from "../../src/live/limits.ts";

describe("the limits of connections to a topic", () => {
  it("a connection below both limits is accepted", () => {
    const counts = { all: MAX_LISTENERS - 1, ofClient: MAX_LISTENERS_PER_CLIENT - 1 };
    expect(refusalOf(counts)).toBe(undefined);
  });

  it("a client at its limit is refused, also if the topic has room", () => {
    const counts = { all: MAX_LISTENERS_PER_CLIENT, ofClient: MAX_LISTENERS_PER_CLIENT };
    expect(refusalOf(counts)).toBe("client-limit");
  });

  it("a topic at its limit refuses a client that has no connection", () => {
    expect(refusalOf({ all: MAX_LISTENERS, ofClient: 0 })).toBe("topic-limit");
  });
});
