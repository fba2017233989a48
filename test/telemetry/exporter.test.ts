/** Retries of one export: when the collector says when, and after a broken connection. */
import { describe, expect, it } from "vitest";
import { createExporter } from "../../src/telemetry/export/exporter.ts";

const OK = () => new Response();
const busy = (retryAfter?: string) => () =>
  new Response(null, {
    status: 503,
    headers: retryAfter === undefined ? {} : { "Retry-After": retryAfter },
  });
const broken = () => {
  throw new TypeError("the connection was reset");
};

/** An exporter whose collector gives these answers, with a clock that only waits move. */
function exporterOf(answers: readonly (() => Response)[], timeoutMs = 10_000) {
  const startedAt = Date.UTC(2026, 10, 28, 12, 0, 0, 250);
  let now = startedAt;
  let sent = 0;
  const waits: number[] = [];
  const { post } = createExporter({
    endpoint: {
      url: "http://collector.test/v1/traces",
      headers: {},
      protocol: "http/json",
      timeoutMs,
      gzip: false,
    },
    rejectedOf: async () => 0,
    now: () => now,
    random: () => 0.5,
    sleep: async (ms) => {
      waits.push(ms);
      now += ms;
    },
    fetch: async () => (answers[sent++] ?? OK)(),
  });
  return {
    waits,
    post: async () => (await post(new Uint8Array(1))).outcome,
    sent: () => sent,
    advance: (ms: number) => void (now += ms),
  };
}

describe("Retry-After of a collector", () => {
  it.each([
    ["seconds", "3", 3_000],
    ["seconds with spaces around them", " 3 ", 3_000],
    ["an HTTP date", "Sat, 28 Nov 2026 12:00:04 GMT", 3_750],
    ["an HTTP date of RFC 850", "Saturday, 28-Nov-26 12:00:04 GMT", 3_750],
    ["an HTTP date of asctime", "Sat Nov 28 12:00:04 2026", 3_750],
  ])(
    "a telemetry export waits before the retry for the time that Retry-After states in %s",
    async (_form, value, ms) => {
      const { post, waits, sent } = exporterOf([busy(value)]);
      expect(await post()).toBe("ok");
      expect([waits, sent()]).toEqual([[ms], 2]);
    },
  );

  it.each(["0", "-5", "1.5", "soon", "", "Sat, 28 Nov 2026 11:59:00 GMT", "2026-11-28"])(
    "a telemetry export uses the default backoff of 250 ms if Retry-After is %j",
    async (value) => {
      const { post, waits } = exporterOf([busy(value)]);
      expect(await post()).toBe("ok");
      expect(waits).toEqual([250]);
    },
  );

  it.each(["11", "Sat, 28 Nov 2026 12:00:11 GMT", "99999999999999999999"])(
    "a telemetry export fails without a retry if Retry-After %j is beyond the time limit of the export",
    async (value) => {
      const { post, waits, sent } = exporterOf([busy(value)]);
      expect(await post()).toBe("gave-up");
      expect([waits, sent()]).toEqual([[], 1]);
    },
  );
});

describe("a connection to a collector that breaks", () => {
  it("the exporter sends a telemetry export once more after the connection to the collector breaks", async () => {
    const { post, waits, sent } = exporterOf([broken]);
    expect(await post()).toBe("ok");
    expect([waits, sent()]).toEqual([[250], 2]);
  });

  it("a telemetry export fails after the connection to the collector has broken twice", async () => {
    const { post, sent } = exporterOf([broken, broken]);
    expect(await post()).toBe("gave-up");
    expect(sent()).toBe(2);
  });

  it("the exporter sends a telemetry export once more if the connection to the collector breaks after a 503", async () => {
    const { post, sent } = exporterOf([busy("1"), broken]);
    expect(await post()).toBe("ok");
    expect(sent()).toBe(3);
  });

  it("the exporter does not retry a telemetry export that has reached the time limit", async () => {
    const { post, sent, advance } = exporterOf([
      () => {
        advance(10_000);
        return broken();
      },
    ]);
    expect(await post()).toBe("gave-up");
    expect(sent()).toBe(1);
  });

  it("ten telemetry exports over connections that break share a budget of five retries", async () => {
    const { post, sent } = exporterOf(Array.from({ length: 20 }, () => broken));
    for (let i = 0; i < 10; i++) expect(await post()).toBe("gave-up");
    expect(sent()).toBe(15);
  });
});
