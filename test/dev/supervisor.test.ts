import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { findRedisServer } from "../../dev/redis/server-process.ts";
import { processList, supervised } from "./support/supervised.ts";
import type { Supervised, SupervisedOptions } from "./support/supervised.ts";

/** The time limit of a test that starts several instances one after the other. */
const RESTARTS_MS = 180_000;

/** Without a Redis server its crash cannot be tested. */
const redisServers = [findRedisServer()].filter((file) => file !== undefined);

describe("npm run dev", () => {
  const running: Supervised[] = [];

  async function start(options?: SupervisedOptions): Promise<Supervised> {
    const dev = await supervised(options);
    running.push(dev);
    return dev;
  }
  afterEach(async () => {
    await Promise.all(running.splice(0).map((dev) => dev.dispose()));
  });

  async function expectNothingLeft(dev: Supervised): Promise<void> {
    await expect.poll(() => dev.processes()).toEqual([]);
    for (const port of [dev.port, dev.port + 1, dev.servicesPort]) {
      await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow("fetch failed");
    }
  }

  const json = async (url: string): Promise<unknown> => (await fetch(url)).json();

  it("two Worker instances of `npm run dev` share the Durable Objects and the local services, and Ctrl-C ends every process", async () => {
    const secret = "se$cret 'with' #marks\"";
    const dev = await start({
      env: {
        INSTANCES: "2",
        CRON_SECONDS: "1",
        ADMIN_TOKEN: secret,
        LLM_MODEL: "model",
        STRATA_EXTRA: "more",
        UNRELATED: "kept out",
      },
    });
    await dev.printed("Strata ready on ");
    const first = `http://127.0.0.1:${dev.port}`;
    const second = `http://127.0.0.1:${dev.port + 1}`;
    const services = `http://127.0.0.1:${dev.servicesPort}`;

    const lines = dev.output().split("\n");
    expect(lines).toContain(`Strata ready on ${first}`);
    expect(dev.output()).toContain(`front door     ${first}/\n`);
    expect(dev.output()).toContain(`${first}/dashboard`);
    expect(dev.output()).toContain(`${first}/docs`);
    expect(dev.output()).not.toContain(secret);

    expect([
      await json(`${first}/add`),
      await json(`${second}/add`),
      await json(`${first}/add`),
    ]).toEqual([1, 2, 3]);

    const variables = (await json(`${first}/variables`)) as Record<string, string>;
    expect(variables).toMatchObject({
      DATABASE_URL: expect.stringMatching(/^postgres:\/\//),
      NEON_ENDPOINT: `${services}/sql`,
      UPSTASH_REDIS_REST_URL: `${services}/redis`,
      UPSTASH_REDIS_REST_TOKEN: expect.any(String),
      ADMIN_TOKEN: secret,
      LLM_MODEL: "model",
      STRATA_EXTRA: "more",
      STRATA_DEV: "1",
    });
    expect(variables).not.toHaveProperty("UNRELATED");
    expect(variables).not.toHaveProperty("HOME");
    expect(await json(`${second}/variables`)).toEqual(variables);
    expect(processList()).not.toContain("se$cret");
    expect(
      statSync(join(dev.root, ".strata", String(dev.port), "variables.env")).mode & 0o777,
    ).toBe(0o600);

    const stored = await fetch(`${variables["UPSTASH_REDIS_REST_URL"]}/set/k/v`, {
      headers: { authorization: `Bearer ${variables["UPSTASH_REDIS_REST_TOKEN"]}` },
    });
    expect(stored.status).toBe(200);
    expect(await json(`${services}/counts`)).toMatchObject({ redis: { requests: 1, commands: 1 } });

    await expect.poll(() => json(`${first}/crons`), { timeout: 10_000 }).toContain("* * * * *");
    expect(await json(`${second}/crons`)).toEqual([]);

    expect(dev.processes().length).toBeGreaterThan(2);
    dev.signal("SIGINT");
    expect(await dev.exit).toBe(0);
    expect(dev.output()).toContain("SIGINT, ending everything");
    await expectNothingLeft(dev);
  });

  it(
    "`npm run dev` continues after a crash that wrangler repairs, and restarts a Worker instance whose proxy or whose wrangler was killed",
    async () => {
      const dev = await start({ env: { INSTANCES: "2" } });
      const [first, second] = [dev.port, dev.port + 1].map((port) => `http://127.0.0.1:${port}`);
      const answers = (url: string): Promise<number> =>
        fetch(`${url}/health`).then(
          ({ status }) => status,
          () => 0,
        );
      const crash = (which: RegExp): void => {
        process.kill(dev.processes().find(({ command }) => which.test(command))!.pid, "SIGKILL");
      };
      await dev.printed("Strata ready on ");
      const token = /ADMIN_TOKEN\s+([0-9a-f]{32}) \(made for this run\)/.exec(dev.output())?.[1];
      expect(await json(`${first}/variables`)).toMatchObject({ ADMIN_TOKEN: token });
      expect(await json(`${second}/add`)).toBe(1);

      // The runtime of the Worker itself listens on a port that wrangler chooses.
      crash(/workerd serve.*entry=127\.0\.0\.1:0 /);
      await dev.printed("Workers runtime crashed");
      await expect.poll(() => answers(first!), { timeout: 40_000 }).toBe(200);

      crash(new RegExp(`workerd serve.*entry=127\\.0\\.0\\.1:${dev.port} `));
      await dev.printed("Worker instance 1 did not recover from a crash; it is started again");
      await dev.printed("Worker instance 1 answers again");
      expect(await answers(first!)).toBe(200);
      // The second instance finds the Durable Objects of the first again, with their storage.
      await expect.poll(() => json(`${second}/add`), { timeout: 40_000 }).toBeGreaterThan(1);

      const count = Number(await json(`${second}/add`));
      // The process of wrangler that has the instance's address in the registry.
      crash(new RegExp(`cli\\.js dev.*--port ${dev.port} `));
      await dev.printed("Worker instance 1 ended: ");
      await expect.poll(() => answers(first!), { timeout: 40_000 }).toBe(200);
      await expect.poll(() => json(`${second}/add`), { timeout: 40_000 }).toBeGreaterThan(count);

      dev.signal("SIGINT");
      expect(await dev.exit).toBe(0);
      await expectNothingLeft(dev);
    },
    RESTARTS_MS,
  );

  it(
    "`npm run dev` exits with an error when a Worker instance dies a fourth time within ten minutes",
    async () => {
      const dev = await start();
      await dev.printed("Strata ready on ");
      for (let restarts = 1; ; restarts += 1) {
        process.kill(
          dev.processes().find(({ command }) => command.includes("wrangler.js dev"))!.pid,
          "SIGKILL",
        );
        if (restarts > 3) break;
        await expect
          .poll(() => dev.output().split("Worker instance 1 answers again").length - 1, {
            timeout: 40_000,
          })
          .toBe(restarts);
      }
      expect(await dev.exit).toBe(1);
      expect(dev.output()).toContain("Worker instance 1 ended: SIGKILL");
      await expectNothingLeft(dev);
    },
    RESTARTS_MS,
  );

  describe("shutdown", () => {
    it.each([
      ["before the services are up", undefined, "SIGINT" as const],
      ["while the Workers start", "Starting local server", "SIGTERM" as const],
    ])("npm run dev leaves no process running after a signal %s", async (_name, text, signal) => {
      const dev = await start({ env: { LOCAL_REDIS: "auto" } });
      if (text === undefined)
        await expect
          .poll(() => existsSync(join(dev.root, ".strata")), { timeout: 10_000 })
          .toBe(true);
      else await dev.printed(text);
      dev.signal(signal);
      expect(await dev.exit).toBe(0);
      expect(dev.output()).toContain(`${signal}, ending everything`);
      expect(dev.output()).not.toContain("Strata ready");
      await expectNothingLeft(dev);
    });

    it.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
      "npm run dev leaves no process running after a %s that only npm receives",
      async (signal) => {
        const dev = await start({ throughNpm: true, env: { LOCAL_REDIS: "auto" } });
        await dev.printed("Starting local server");
        expect(dev.processes().length).toBeGreaterThan(2);
        dev.signal(signal);
        await dev.exit;
        await expectNothingLeft(dev);
      },
    );

    it("npm run dev reports a crash of wrangler and leaves no process running", async () => {
      const dev = await start();
      await dev.printed("Starting local server");
      process.kill(
        dev.processes().find(({ command }) => command.includes("wrangler.js dev"))!.pid,
        "SIGKILL",
      );
      expect(await dev.exit).toBe(1);
      expect(dev.output()).toContain("Worker instance 1 ended: SIGKILL");
      await expectNothingLeft(dev);
    });

    it("npm run dev leaves no process running after a SIGKILL of its own main process", async () => {
      const dev = await start({ env: { LOCAL_REDIS: "auto" } });
      await dev.printed("Starting local server");
      expect(dev.processes().length).toBeGreaterThan(2);
      dev.signal("SIGKILL");
      await dev.exit;
      await expectNothingLeft(dev);
    });

    it.each(redisServers)(
      "npm run dev reports a crash of %s and leaves no process running",
      async () => {
        const dev = await start({ env: { LOCAL_REDIS: "server" } });
        await dev.printed("Redis: ");
        const victim = dev
          .processes()
          .find(({ command }) => /(?:redis|valkey)-server/.test(command));
        process.kill(victim!.pid, "SIGKILL");
        expect(await dev.exit).toBe(1);
        expect(dev.output()).toContain("A local service ended");
        await expectNothingLeft(dev);
      },
    );

    it.each(["PORT", "SERVICES_PORT"])(
      "npm run dev reports a %s in use by another program and leaves no process running",
      async (variable) => {
        const taken = createServer();
        await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
        const { port } = taken.address() as { port: number };
        try {
          const dev = await start(variable === "PORT" ? { port } : { servicesPort: port });
          expect(await dev.exit).toBe(1);
          expect(dev.output()).toContain(
            `Port ${port} is in use by another program. Set ${variable}`,
          );
          expect(dev.processes()).toEqual([]);
        } finally {
          taken.close();
        }
      },
    );
  });

  it("npm run dev exits with status 1 and lists every invalid environment variable", async () => {
    const dev = await start({
      env: { PORT: "http", INSTANCES: "0", LOCAL_REDIS: "memcached", KEEP: "yes" },
    });
    expect(await dev.exit).toBe(1);
    for (const name of ["PORT", "INSTANCES", "LOCAL_REDIS", "KEEP"])
      expect(dev.output()).toContain(`${name} is "`);
  });
});

describe("npm run services", () => {
  it("npm run services writes .dev.vars for wrangler dev, and removes this file at shutdown", async () => {
    const root = mkdtempSync(join(tmpdir(), "strata-services-"));
    const file = join(root, ".dev.vars");
    const services = await supervised({
      script: "dev/services-main.ts",
      args: ["--root", root],
      root,
    });
    try {
      await services.printed("Services ready on ");
      await expect.poll(() => existsSync(file)).toBe(true);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(file, "utf8")).toContain(
        `UPSTASH_REDIS_REST_URL='http://127.0.0.1:${services.servicesPort}/redis'`,
      );
      expect((await fetch(`http://127.0.0.1:${services.servicesPort}/counts`)).status).toBe(200);
      services.signal("SIGINT");
      expect(await services.exit).toBe(0);
      expect(existsSync(file)).toBe(false);
    } finally {
      await services.dispose();
      rmSync(root, { recursive: true });
    }
  });
});
