/** Concurrent requests in two isolates in front of one origin: which of them share a flight. */
import { describe, expect, it } from "vitest";
import { logKeysOfPurge } from "../../../src/core/invalidation-key.ts";
import { createProxy, type Answer, type Proxy, type Scripted } from "../../conformance/proxy.ts";
import { watchFlights } from "../../support/flights.ts";
import { createGate } from "../../support/gate.ts";
import { createTestIsolate } from "../../support/isolate.ts";

const SHORT = { "Cache-Control": "max-age=10", ETag: '"a"', "Cache-Tag": "one" };
const NOT_MODIFIED = { status: 304, headers: SHORT };
const HERD = 10;

/** Two isolates that hold the origin's first response. */
async function createPair(first: Scripted) {
  const flights = watchFlights();
  const here = createProxy({ bindings: { FLIGHTS: flights.FLIGHTS } });
  const there = here.sibling();
  here.answers(first);
  await here.get();
  await there.get();
  expect([here.seen.length, flights.joins()], "the first request joins no flight").toEqual([1, 0]);

  /** Sends requests in both isolates. The origin answers none of them before `until` resolves. */
  async function herd(
    answer: Scripted,
    until: () => Promise<unknown>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer[]> {
    const gate = createGate();
    here.answers(async () => {
      await gate.pass();
      return answer;
    });
    const isolates = [here, there].flatMap((isolate) => Array<Proxy>(HERD).fill(isolate));
    const answers = Promise.all(isolates.map((isolate) => isolate.get(headers)));
    await until();
    gate.open();
    return answers;
  }

  const asked = (count: number) => () =>
    expect.poll(() => here.seen.length, { interval: 5 }).toBe(count);
  return { here, there, flights, herd, asked };
}

describe("flights across isolates", () => {
  it("concurrent requests in two isolates for one stale response cause one request to the origin", async () => {
    const { here, flights, herd } = await createPair({ headers: SHORT });
    here.advance(11);
    const answers = await herd(NOT_MODIFIED, () => flights.joined(2));
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(["1"]));
    expect([here.seen.length, flights.joins()]).toEqual([2, 2]);
    for (const { headers } of answers)
      expect(headers.get("Cache-Status")).toMatch(/^strata; fwd=stale; fwd-status=/);
  });

  it("concurrent requests in two isolates for a stale response that has changed at the origin cause one request to the origin", async () => {
    const { here, flights, herd } = await createPair({ headers: SHORT });
    here.advance(11);
    const answers = await herd({ headers: SHORT, body: "new" }, () => flights.joined(2));
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(["new"]));
    expect(here.seen.length).toBe(2);
  });

  it("concurrent requests in two isolates for one stale variant cause one request to the origin", async () => {
    const varying = { ...SHORT, Vary: "Foo" };
    const { here, flights, herd } = await createPair({ headers: varying });
    here.advance(11);
    await herd({ status: 304, headers: varying }, () => flights.joined(2));
    expect(here.seen.length).toBe(2);
  });

  it("concurrent requests in two isolates for a purged response cause one request to the origin", async () => {
    const { here, flights, herd } = await createPair({ headers: SHORT });
    const other = createTestIsolate({ namespace: here.layer.config.namespace });
    const { coherence } = other.layer;
    await coherence.invalidate(logKeysOfPurge({ tags: ["one"] }), other.request().ctx);
    here.advance(1.1);
    const answers = await herd({ headers: SHORT, body: "new" }, () => flights.joined(2));
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(["new"]));
    expect(here.seen.length).toBe(2);
  });

  it("clients in two isolates share one load, and get a 200, a 206 or a 304, as their own request fields require", async () => {
    const { here, there, flights } = await createPair({ headers: SHORT, body: "0123456789" });
    here.advance(11);
    const gate = createGate();
    here.answers(async () => {
      await gate.pass();
      return NOT_MODIFIED;
    });
    const answers = Promise.all([
      here.get(),
      there.get({ Range: "bytes=2-3" }),
      there.get({ "If-None-Match": '"a"' }),
    ]);
    await flights.joined(2);
    gate.open();
    expect((await answers).map(({ status, body }) => [status, body])).toEqual([
      [200, "0123456789"],
      [206, "23"],
      [304, ""],
    ]);
    expect(here.seen.length).toBe(2);
  });
});

describe("requests that join no flight", () => {
  it("a request for a response that was never stored does not join a shared load across isolates", async () => {
    const { here, flights } = await createPair({ headers: SHORT });
    here.answers({ headers: { "Cache-Control": "private" } });
    for (let request = 0; request < 3; request++) await here.get({}, "/private");
    expect(flights.joins()).toBe(0);
  });

  it("after a stored response becomes private, the next request joins a load shared across isolates, and later requests do not", async () => {
    const { here, flights } = await createPair({ headers: SHORT });
    here.advance(11);
    here.answers({ headers: { "Cache-Control": "private" } });
    for (let request = 0; request < 5; request++) await here.get();
    expect([here.seen.length, flights.joins()]).toEqual([6, 1]);
  });

  it("concurrent requests for a response with no-cache are all sent to the origin without waiting for each other", async () => {
    const never = { "Cache-Control": "no-cache", ETag: '"a"' };
    const flights = watchFlights();
    const here = createProxy({ bindings: { FLIGHTS: flights.FLIGHTS } });
    here.answers({ headers: never });
    await here.get();
    const gate = createGate();
    here.answers(async () => {
      await gate.pass();
      return { status: 304, headers: never };
    });
    const answers = Promise.all(Array.from({ length: HERD }, () => here.get()));
    await expect.poll(() => here.seen.length, { interval: 5 }).toBe(1 + HERD);
    gate.open();
    expect((await answers).map(({ cache }) => cache)).toEqual(Array(HERD).fill("REVALIDATED"));
    expect(flights.joins()).toBe(0);
  });

  // No request with no-cache can use the response to another one.
  it.each([
    [{ "Cache-Control": "max-age=5" }, 3],
    [{ Pragma: "no-cache" }, 1 + 2 * HERD],
    [{ Authorization: "x" }, 3],
  ])("a request with %j does not join a shared load across isolates", async (headers, requests) => {
    const { here, flights, herd, asked } = await createPair({ headers: SHORT });
    here.advance(11);
    await herd(NOT_MODIFIED, asked(requests), headers);
    expect(flights.joins()).toBe(0);
  });

  it("a request does not join a shared load across isolates if the stored body is too long to share", async () => {
    const { here, flights, herd, asked } = await createPair({
      headers: SHORT,
      body: "x".repeat(1_100_000),
    });
    here.advance(11);
    await herd(NOT_MODIFIED, asked(3));
    expect([here.seen.length, flights.joins()]).toEqual([3, 0]);
  });
});

describe("a follower in another isolate", () => {
  it("an isolate that waits for the load of another isolate asks the origin itself if the loaded body is too long to share", async () => {
    const { here, flights, herd } = await createPair({ headers: SHORT });
    here.advance(11);
    const body = "x".repeat(1_100_000);
    const answers = await herd({ headers: SHORT, body }, () => flights.joined(2));
    expect(new Set(answers.map((answer) => answer.body.length))).toEqual(new Set([1_100_000]));
    expect(here.seen.length).toBe(3);
  });

  it("clients in two isolates get the stale response under stale-if-error if their shared load fails", async () => {
    const lenient = { ...SHORT, "Cache-Control": "max-age=10, stale-if-error=60" };
    const { here, flights, herd } = await createPair({ headers: lenient });
    here.advance(11);
    const answers = await herd({ status: 503 }, () => flights.joined(2));
    expect(new Set(answers.map(({ cache }) => cache))).toEqual(new Set(["STALE"]));
    expect(here.seen.length).toBe(2);
  });
});
