import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { copyConsumer, REPOSITORY } from "./support/consumer.ts";
import { serve, type Served, type ServeOptions } from "./support/serve.ts";

/** The requests of one example: two reads of the path, then a change, then a read. */
interface Trial extends ServeOptions {
  readonly path: string;
  readonly change: { readonly method: string; readonly path: string };
  /** Whether the answer says when the database made it, in place of a field with the status: an equal answer is a hit. */
  readonly isDated?: boolean;
}

const page = () =>
  new Response('{"stock":4}', {
    headers: { "Cache-Control": "max-age=60", "Content-Type": "application/json" },
  });
const GREETING = { path: "/hello/ada", change: { method: "DELETE", path: "/hello" } };

const TRIALS: Readonly<Record<string, Trial>> = {
  "examples/worker": { path: "/ada", change: { method: "DELETE", path: "/" } },
  "examples/fetch-handler": {
    path: "/products/7",
    change: { method: "PUT", path: "/products/7" },
    variables: { API_URL: "http://api.test" },
    outbound: page,
  },
  "examples/hono": GREETING,
  template: GREETING,
  "examples/proxy": {
    path: "/page",
    change: { method: "PUT", path: "/page" },
    variables: { ORIGIN: "http://origin.test" },
    outbound: page,
  },
  "examples/durable-only": {
    path: "/ada",
    change: { method: "DELETE", path: "/" },
    objects: { STRATA: "StrataStore", FLIGHTS: "FlightShard" },
  },
  "examples/cron-and-queue": {
    path: "/",
    change: { method: "POST", path: "/" },
    queue: "strata-example-changes",
  },
  "examples/drizzle": {
    path: "/products/7",
    change: { method: "POST", path: "/products/7" },
    database: readFileSync(
      join(REPOSITORY, "examples/drizzle/migrations/0001_products.sql"),
      "utf8",
    ).trim(),
    isDated: true,
  },
};

/** Returns a function that reads the path of a trial, and returns the status of the answer. */
function readerOf({ url }: Served, { path, isDated = false }: Trial) {
  let former: string | undefined;
  return async (): Promise<string | undefined> => {
    const response = await fetch(new URL(path, url));
    const text = await response.text();
    if (!isDated) return response.headers.get("X-Cache-Status")?.toLowerCase();
    expect(JSON.parse(text)).toHaveProperty("readAt");
    const status = text === former ? "hit" : "miss";
    former = text;
    return status;
  };
}

test("each folder of examples has a trial", () => {
  const folders = readdirSync(join(REPOSITORY, "examples"), { withFileTypes: true });
  const named = folders.filter((each) => each.isDirectory()).map(({ name }) => `examples/${name}`);
  expect(named.filter((path) => TRIALS[path] === undefined)).toEqual([]);
});

test.each(Object.entries(TRIALS))(
  "%s from the tarball compiles, and over HTTP answers miss, hit, and miss after its change",
  async (path, trial) => {
    using consumer = copyConsumer(inject("tarball"), path);
    expect(consumer.types()).toBe("");
    await using served = await serve(await consumer.bundle("src/index.ts"), trial);
    const read = readerOf(served, trial);
    expect(await read()).toBe("miss");
    expect(await read()).toMatch(/^hit/u);
    const { method, path: changed } = trial.change;
    const change = await fetch(new URL(changed, served.url), { method });
    expect(change.ok).toBe(true);
    // The queue delivers its message after the answer.
    await expect.poll(read, { timeout: 20_000, interval: 50 }).toBe("miss");
  },
);

test("the cron trigger of examples/cron-and-queue loads the report before its first reader", async () => {
  using consumer = copyConsumer(inject("tarball"), "examples/cron-and-queue");
  await using served = await serve(await consumer.bundle("src/index.ts"), { queue: "changes" });
  await served.scheduled();
  const read = readerOf(served, { path: "/", change: { method: "POST", path: "/" } });
  expect(await read()).toMatch(/^hit/u);
});
