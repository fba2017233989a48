/** The work of a memory hit on Headers and responses, in counts that do not depend on the machine. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { cached } from "../../src/index.ts";
import { createTelemetryApp, newNamespace } from "../telemetry/support.ts";

/** The classes of the runtime, which a count replaces for its time. */
const realm = globalThis as unknown as {
  Headers: typeof Headers;
  Response: typeof Response;
};

const METHODS = ["append", "delete", "entries", "get", "has", "keys", "set"] as const;
type Counts = Record<(typeof METHODS)[number] | "headers" | "responses" | "cf", number>;

/** Calls `work`, and counts the calls of Headers and the new objects until its promise is settled. */
async function countedDuring(work: () => Response | Promise<Response>) {
  const counts: Counts = {
    ...{ append: 0, delete: 0, entries: 0, get: 0, has: 0, keys: 0, set: 0 },
    ...{ headers: 0, responses: 0, cf: 0 },
  };
  const { Headers: PlainHeaders, Response: PlainResponse } = realm;
  const plain = Object.fromEntries(
    METHODS.map((name) => [name, Object.getOwnPropertyDescriptor(Headers.prototype, name) ?? {}]),
  );
  for (const name of METHODS) {
    const { value } = plain[name] as { value: (...given: unknown[]) => unknown };
    Object.defineProperty(Headers.prototype, name, {
      ...plain[name],
      value(...given: unknown[]) {
        counts[name]++;
        return Reflect.apply(value, this, given);
      },
    });
  }
  realm.Headers = class extends PlainHeaders {
    constructor(init?: HeadersInit) {
      super(init);
      counts.headers++;
    }
  };
  realm.Response = class extends PlainResponse {
    constructor(body?: BodyInit | null, init?: ResponseInit) {
      super(body, init);
      counts.responses++;
    }
  };
  // The runtime parses request.cf when it is read.
  const cf = Object.getOwnPropertyDescriptor(Request.prototype, "cf");
  if (cf?.get === undefined)
    throw new Error("request.cf is no getter, so its reads cannot be counted");
  Object.defineProperty(Request.prototype, "cf", {
    ...cf,
    get(this: Request) {
      counts.cf++;
      return cf.get!.call(this) as unknown;
    },
  });
  try {
    return { answer: await work(), counts };
  } finally {
    Object.defineProperty(Request.prototype, "cf", cf);
    Object.assign(realm, { Headers: PlainHeaders, Response: PlainResponse });
    Object.defineProperties(PlainHeaders.prototype, plain);
  }
}

describe("a memory hit of a cached route with a rate limit and telemetry", () => {
  it("makes one response and no other Headers, writes each field once, reads seven fields, and does not parse request.cf", async () => {
    const namespace = newNamespace();
    const { app, get } = createTelemetryApp(
      namespace,
      (routes, { rateLimits: { rateLimit } }) => {
        routes.use(rateLimit({ name: "api", ip: "100/1m", mode: "fast" }));
        routes.get("/things/:id", cached({ freshFor: "1h" }), (c) => c.json({ id: 1 }));
      },
      { OTEL_TRACES_SAMPLER: "always_off" },
    );
    const ip = { "CF-Connecting-IP": "192.0.2.1" };
    await get("/things/1", ip);
    await get("/things/1", ip);
    const execution = createExecutionContext();
    const cf = { continent: "EU", colo: "FRA" };
    const request = new Request(`http://${namespace}.test/things/1`, { headers: ip, cf });
    // A hit waits for nothing, so no other work runs in its turn of the event loop.
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
    const { answer, counts } = await countedDuring(() => app.fetch(request, env, execution));
    await waitOnExecutionContext(execution);
    expect(answer.headers.get("X-Cache-Status")).toBe("HIT");
    const { append, set, get: gets, has, ...others } = counts;
    expect(others).toEqual({ delete: 0, entries: 0, keys: 0, headers: 0, responses: 1, cf: 0 });
    expect(append + set).toBe([...answer.headers].length);
    expect(gets + has).toBe(7);
  });
});
