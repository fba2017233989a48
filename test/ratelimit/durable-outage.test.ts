/** Limits while the objects of the ledger fail or do not answer, and after they have recovered. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createTestContext } from "../support/context.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { ledgerObject } from "../../src/durable/ledger-port.ts";
import { shardOf } from "../../src/core/hash.ts";
import { createImpatientApp, createImpatientPair, statuses, type LimitedApp } from "./app.ts";

const ip = "192.0.2.1";

type State = "works" | "fails" | "does not answer";
type Method = (...args: unknown[]) => Promise<unknown>;

/**
 * The real objects, which a test can make unreachable: all of them, or the one that it names. `calls` counts all
 * calls, and `takes` the charges of objects that a test has made unreachable.
 */
function createFaultyObjects(failing?: string) {
  const faulty = { state: "works" as State, calls: 0, takes: 0, objects: env.LEDGER };
  const get = (...args: Parameters<DurableObjectNamespace["get"]>) => {
    const stub = env.LEDGER.get(...args) as unknown as Readonly<Record<string, Method>>;
    return new Proxy(stub, {
      get: (target, name: string): Method =>
        async function call(...sent) {
          faulty.calls++;
          if (failing !== undefined && args[0].name !== failing) return target[name]!(...sent);
          if (name === "take" && faulty.state !== "works") faulty.takes++;
          if (faulty.state === "fails")
            throw Object.assign(new Error("the object failed"), { retryable: true });
          if (faulty.state === "does not answer") return new Promise(() => undefined);
          return target[name]!(...sent);
        },
    });
  };
  const idFromName = (name: string) => env.LEDGER.idFromName(name);
  faulty.objects = { idFromName, get } as unknown as DurableObjectNamespace;
  return faulty;
}

function appOf(
  LEDGER: DurableObjectNamespace,
  mode: "strict" | "fast",
  onUnavailable: "open" | "closed" | "local",
  namespace = uniqueNamespace(),
): LimitedApp {
  return createImpatientApp(
    namespace,
    (app, rateLimit) => {
      app.use(rateLimit({ name: "api", ip: "20/1m", mode, onUnavailable }));
      app.get("/", (c) => c.text("content"));
    },
    { LEDGER },
  );
}

describe.each(["fails", "does not answer"] as const)("while the ledger object %s", (state) => {
  it(`a rate limit with the option onUnavailable at 'open' admits requests and sends no X-RateLimit fields while the ledger object ${state}`, async () => {
    const faulty = createFaultyObjects();
    const { storm } = appOf(faulty.objects, "strict", "open");
    faulty.state = state;
    const answers = await storm(25, "/", { ip });
    expect(statuses(answers)).toEqual({ 200: 25 });
    for (const { headers } of answers) {
      expect(headers.get("X-RateLimit-Remaining")).toBeNull();
      expect(headers.get("RateLimit-Policy")).toBe('"api-ip";q=20;w=60');
    }
  });

  it(`a rate limit with the option onUnavailable at 'closed' answers 503 without the content while the ledger object ${state}`, async () => {
    const faulty = createFaultyObjects();
    const { get } = appOf(faulty.objects, "strict", "closed");
    faulty.state = state;
    const { status, body } = await get("/", { ip });
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ type: "urn:strata:problem:rate-limit-unavailable" });
  });

  it(`a rate limit with the option onUnavailable at 'local' enforces its limit inside the isolate while the ledger object ${state}`, async () => {
    for (const mode of ["strict", "fast"] as const) {
      const faulty = createFaultyObjects();
      const { storm } = appOf(faulty.objects, mode, "local");
      faulty.state = state;
      expect(statuses(await storm(50, "/", { ip })), mode).toEqual({ 200: 20, 429: 30 });
    }
  });
});

describe("a ledger object that fails", () => {
  it("a failed charge in a Durable Object is not repeated, and three failures in a row open the breaker of the limiter", async () => {
    const faulty = createFaultyObjects();
    const { get } = appOf(faulty.objects, "strict", "open");
    faulty.state = "fails";
    const calls: number[] = [];
    for (let i = 0; i < 5; i++) {
      await get("/", { ip });
      calls.push(faulty.calls);
    }
    expect(calls).toEqual([1, 2, 3, 3, 3]);
  });

  it("after an outage of the ledger object, the tokens that an isolate granted are charged once, except tokens of calls with an unknown outcome", async () => {
    const faulty = createFaultyObjects();
    const namespace = uniqueNamespace();
    const { get, rateLimits, clock } = appOf(faulty.objects, "strict", "local", namespace);
    faulty.state = "fails";
    // The first three calls have an unknown outcome; then the breaker opens.
    for (let i = 0; i < 8; i++) await get("/", { ip });
    expect(rateLimits.stats().unknown).toBe(3);
    faulty.state = "works";
    clock.advance(1_500);
    // The first request lets the breaker probe the object in the background.
    for (let i = 0; i < 2; i++) await get("/", { ip });
    const other = appOf(env.LEDGER, "strict", "open", namespace);
    const info = await other.rateLimits.getLimitInfo(ip, createTestContext());
    expect(info.ok && info.value.limits[0]?.remaining).toBe(20 - 10 + 3);
  });
});

/** An application whose accounts are in two objects, of which one fails. `addressIn(shard)` has its account in that shard. */
function createPair(state: State) {
  const namespace = uniqueNamespace();
  const endpointShard = shardOf("api:endpoint:GET /", 2);
  const faulty = createFaultyObjects(ledgerObject(namespace, endpointShard));
  const routes = (LEDGER: DurableObjectNamespace) =>
    createImpatientPair(
      namespace,
      (app, rateLimit) => {
        app.get(
          "/",
          rateLimit({ name: "api", ip: "20/1m", endpoint: "1000/1m", onUnavailable: "closed" }),
          (c) => c.text("content"),
        );
        app.get("/alone", rateLimit({ name: "api", ip: "20/1m", onUnavailable: "closed" }), (c) =>
          c.text("content"),
        );
      },
      { LEDGER },
    );
  const addresses = Array.from({ length: 50 }, (_, i) => `192.0.2.${i + 1}`);
  const address = addresses.find((one) => shardOf(`api:ip:${one}`, 2) !== endpointShard) ?? "";
  faulty.state = state;
  return { faulty, address, app: routes(faulty.objects), healthy: routes(env.LEDGER) };
}

describe("a ledger of two objects of which one fails", () => {
  it.each(["fails", "does not answer"] as const)(
    "a request that is refused because one of its two ledger objects %s keeps no charge in the other object",
    async (state) => {
      const { address, app, healthy } = createPair(state);
      for (let i = 0; i < 2; i++) expect((await app.get("/", { ip: address })).status).toBe(503);
      const info = await healthy.rateLimits.getLimitInfo(`ip:${address}`, createTestContext());
      expect(info.ok && info.value.limits.map(({ remaining }) => remaining)).toEqual([20]);
    },
  );

  it("a ledger object that does not answer is probed itself, so that an object that answers does not close its breaker", async () => {
    const { faulty, address, app } = createPair("does not answer");
    for (let i = 0; i < 4; i++) await app.get("/", { ip: address });
    expect(faulty.takes).toBe(3);
    for (let i = 0; i < 4; i++) {
      app.clock.advance(6_000);
      // The first request starts a probe in the background, and the second one comes after it.
      for (let j = 0; j < 2; j++) expect((await app.get("/", { ip: address })).status).toBe(503);
    }
    expect(faulty.takes).toBe(3);
    faulty.state = "works";
    app.clock.advance(6_000);
    await app.get("/", { ip: address });
    expect((await app.get("/", { ip: address })).status).toBe(200);
  });

  it("accounts of a ledger object that answers are counted while another object does not answer", async () => {
    const { address, app } = createPair("does not answer");
    for (let i = 0; i < 4; i++) await app.get("/", { ip: address });
    const answers = await app.storm(25, "/alone", { ip: address });
    expect(statuses(answers)).toEqual({ 200: 20, 429: 5 });
  });
});
