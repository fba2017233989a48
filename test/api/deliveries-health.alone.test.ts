/** The checks of /health that follow from deliveries: the queue and telemetry. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import { clearFaults, putFault } from "../writes/faults.ts";
import { createClient, type Client } from "./client.ts";
import { createQueuedApi, newRow } from "./queued.ts";

afterEach(clearFaults);

interface Health {
  readonly status: string;
  readonly level: string;
  readonly checks: Readonly<Record<string, boolean>>;
  readonly dependencies: Readonly<Record<string, { readonly state: string }>>;
}

const healthOf = async ({ send }: Pick<Client, "send">): Promise<Health> =>
  (await send("/health")).json<Health>();

interface Counts {
  readonly otlp: { readonly requests: number };
}

const exportsSoFar = async (): Promise<number> =>
  (await (await fetch(`${env.SERVICES_URL}/counts`)).json<Counts>()).otlp.requests;

/** Exports every request as soon as it has ended. */
const EXPORTING: Readonly<Record<string, string>> = {
  OTEL_SDK_DISABLED: "",
  OTEL_EXPORTER_OTLP_ENDPOINT: `${env.SERVICES_URL}/otlp`,
  OTEL_TRACES_SAMPLER: "always_on",
};

describe("the check `queue` of /health", () => {
  it("after the queue has refused a view, /health gets a 200 with `queue: false` and the status degraded, and the level stays normal", async () => {
    const api = createQueuedApi();
    const product = await newRow();
    expect((await healthOf(api)).checks["queue"]).toBe(true);
    api.queue.isAway = true;
    expect((await api.view(product)).status).toBe(503);
    const away = await api.send("/health");
    expect(away.status).toBe(200);
    expect(await away.json<Health>()).toMatchObject({
      status: "degraded",
      level: "normal",
      checks: { queue: false, database: true, redis: true },
      dependencies: { queue: { state: "down" } },
    });
    api.queue.isAway = false;
    expect((await api.view(product)).status).toBe(202);
    expect(await healthOf(api)).toMatchObject({ status: "ok", checks: { queue: true } });
  });

  it("50 reports of /health send nothing to the queue", async () => {
    const api = createQueuedApi();
    for (let i = 0; i < 50; i++) await healthOf(api);
    expect([api.queue.sent, api.deadLetterQueue.sent]).toEqual([[], []]);
  });
});

describe("the check `telemetry` of /health", () => {
  it("after the collector has refused an export, /health has `telemetry: false` until an export succeeds", async () => {
    const client = createClient(EXPORTING);
    await client.send("/products/1");
    expect(await healthOf(client)).toMatchObject({
      checks: { telemetry: true },
      dependencies: { telemetry: { state: "up" } },
    });
    await putFault("otlp", { errorRate: 1, status: 400 });
    await client.send("/products/1");
    expect(await healthOf(client)).toMatchObject({
      status: "degraded",
      level: "normal",
      checks: { telemetry: false },
    });
    await clearFaults();
    await client.send("/products/1");
    expect(await healthOf(client)).toMatchObject({ status: "ok", checks: { telemetry: true } });
  });

  it("a report of /health makes no export of its own while telemetry is off", async () => {
    const client = createClient();
    const before = await exportsSoFar();
    expect((await healthOf(client)).dependencies["telemetry"]).toEqual({ state: "unknown" });
    expect(await exportsSoFar()).toBe(before);
  });
});
