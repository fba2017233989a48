/** The problem types that no other test of the API provokes. */
import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { clearFaults, putFault } from "../writes/faults.ts";
import { ADMIN, createClient, problemOf } from "./client.ts";

afterEach(clearFaults);
afterEach(() => void vi.restoreAllMocks());

describe("problems of the reference API", () => {
  it("a request to a Worker without DATABASE_URL and with a malformed ADMIN_TOKEN gets a 500 `misconfigured` that names both and no value, and the next request reads the variables again", async () => {
    const request = () =>
      new Request<unknown, IncomingRequestCfProperties>("http://strata.test/health/live");
    // Another file of this workerd may have started the isolate of the module.
    vi.resetModules();
    const { default: worker } = await import("../../src/worker.ts");
    const wrong = { ...env, DATABASE_URL: "", ADMIN_TOKEN: "hush" };
    const ctx = createExecutionContext();
    const refused = await problemOf(await worker.fetch(request(), wrong, ctx));
    expect(refused).toMatchObject({ status: 500, type: "urn:strata:problem:misconfigured" });
    expect((refused as { problems?: readonly string[] }).problems?.join("\n")).toMatch(
      /^DATABASE_URL: .*\nADMIN_TOKEN: /,
    );
    expect(JSON.stringify(refused)).not.toContain("hush");
    expect((await worker.fetch(request(), env, ctx)).status).toBe(200);
  });

  it("a Worker without DATABASE_URL gives a batch of messages back to the queue, for 5 minutes, so that their attempts last for hours", async () => {
    vi.resetModules();
    const { default: worker } = await import("../../src/worker.ts");
    const print = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const message = { id: "m1", timestamp: new Date(), attempts: 1, body: {} };
    const batch = createMessageBatch("strata-messages", [message]);
    const retryAll = vi.spyOn(batch, "retryAll");
    const ctx = createExecutionContext();
    await worker.queue(batch, { ...env, DATABASE_URL: "" }, ctx);
    const result = await getQueueResult(batch, ctx);
    expect(result.explicitAcks).toEqual([]);
    expect(result.retryBatch).toEqual({ retry: true });
    expect(retryAll).toHaveBeenCalledWith({ delaySeconds: 300 });
    expect(print.mock.calls.join()).toMatch(/DATABASE_URL/);
  });

  it("GET /metrics of a Worker without the binding METRICS gets a 404 `metrics-unbound`", async () => {
    const { send } = createClient({}, ["METRICS"]);
    const problem = await problemOf(await send("/metrics", { headers: ADMIN }));
    expect(problem).toMatchObject({ status: 404, type: "urn:strata:problem:metrics-unbound" });
  });

  it.each(["GET", "DELETE"])(
    "%s /admin/limits/:identity gets a 503 `limits-unavailable` while Redis is away",
    async (method) => {
      const client = createClient();
      await putFault("redis", { reset: true });
      const response = await client.write(method, "/admin/limits/ip:198.51.100.7");
      expect(await problemOf(response)).toMatchObject({
        status: 503,
        type: "urn:strata:problem:limits-unavailable",
      });
    },
  );

  it("an error of the program gives a 500 `internal` without the text of the error", async () => {
    const client = createClient();
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    vi.spyOn(client.isolate.layer.metrics, "exposition").mockRejectedValue(new Error("hush"));
    const problem = await problemOf(await client.send("/metrics", { headers: ADMIN }));
    expect(problem).toMatchObject({ status: 500, type: "urn:strata:problem:internal" });
    expect(JSON.stringify(problem)).not.toContain("hush");
  });
});
