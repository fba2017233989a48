import { env, exports } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { clearFaults } from "../support/gateway.ts";

const SQL_LATENCY_MS = 600;

async function control(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`${env.SERVICES_URL}${path}`, { method, body: JSON.stringify(body) });
}

async function sqlRequests(): Promise<number> {
  const counts = await (await control("GET", "/counts")).json<{ sql: { requests: number } }>();
  return counts.sql.requests;
}

/** Sends a request to the Worker as a client does, with a request context of its own. */
function send(path: string, signal?: AbortSignal): Promise<Response> {
  return exports.default.fetch(`http://disconnect.test${path}`, { ...(signal && { signal }) });
}

// The first request includes the start of the Worker.
beforeAll(() => send("/categories"));
beforeEach(async () => {
  await control("PUT", "/faults/sql", { latencyMs: SQL_LATENCY_MS });
  await control("POST", "/counts/reset");
});
afterEach(clearFaults);

describe("a client that disconnects during a load", () => {
  it("a load continues after the client disconnects, and answers the readers that share the load", async () => {
    const abort = new AbortController();
    const leading = send("/products/1700", abort.signal).catch((error: unknown) => error);
    await expect.poll(sqlRequests, { interval: 5, timeout: 5_000 }).toBe(1);
    const following = [send("/products/1700"), send("/products/1700")];
    abort.abort(new Error("the client has gone"));
    expect(await leading).toBeInstanceOf(Error);

    for (const response of await Promise.all(following)) {
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ id: 1700 });
    }
    expect(await sqlRequests()).toBe(1);
  });

  it("the result of a load is stored for later reads even if the client that started the load disconnects", async () => {
    const abort = new AbortController();
    const leading = send("/products/1701", abort.signal).catch((error: unknown) => error);
    await expect.poll(sqlRequests, { interval: 5, timeout: 5_000 }).toBe(1);
    abort.abort(new Error("the client has gone"));
    expect(await leading).toBeInstanceOf(Error);

    expect((await send("/products/1701")).status).toBe(200);
    const last = await send("/products/1701");
    expect(last.headers.get("X-Cache-Status")).toBe("HIT");
    expect(await sqlRequests()).toBe(1);
  });
});
