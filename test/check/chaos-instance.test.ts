/** The instances of `npm run chaos`, with a small Worker: what a trial does to one of them. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { forkServices } from "../../dev/services-process.ts";
import { runCron } from "../../dev/supervisor/cron.ts";
import {
  furtherInstance,
  readWranglerConfig,
  writeWranglerConfig,
} from "../../dev/supervisor/wrangler-config.ts";
import { startInstance, type Instance } from "../chaos/instance.ts";
import { freePorts } from "../dev/support/ports.ts";
import { signalAll } from "../e2e/support/processes.ts";

const CONFIG = `
name = "planted"
main = "worker.js"
compatibility_date = "2026-11-02"
[[durable_objects.bindings]]
name = "COUNTER"
class_name = "Counter"
[[migrations]]
tag = "v1"
new_sqlite_classes = ["Counter"]
[[queues.producers]]
binding = "QUEUE"
queue = "planted"
[[queues.consumers]]
queue = "planted"
max_batch_size = 1
max_batch_timeout = 0
[triggers]
crons = ["* * * * *"]
`;

const worker = (version: string) => `
import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  add(by) {
    const count = (this.ctx.storage.kv.get("count") ?? 0) + by;
    this.ctx.storage.kv.put("count", count);
    return count;
  }
}
const counter = (env) => env.COUNTER.get(env.COUNTER.idFromName("one"));
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/send") await env.QUEUE.send("one");
    const count = await counter(env).add(pathname === "/add" ? 1 : 0);
    const address = request.headers.get("CF-Connecting-IP");
    const { continent } = request.cf;
    return Response.json({ version: "${version}", variable: env.VARIABLE, other: env.OTHER, count, address, continent });
  },
  async queue(batch, env) { await counter(env).add(10); },
  async scheduled(event, env) { await counter(env).add(100); },
};
`;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function startTwo(): Promise<{ instances: readonly Instance[]; second: string }> {
  const folder = mkdtempSync(join(tmpdir(), "strata-planted-"));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const script = file("worker.js", worker("first"));
  const config = await readWranglerConfig(file("wrangler.toml", CONFIG));
  // The variables of a developer, which no instance may read.
  file(".dev.vars", "VARIABLE=theirs\nOTHER=theirs\n");
  const port = await freePorts(2);
  const instances: Instance[] = [];
  for (const at of [0, 1]) {
    const further = furtherInstance(config, at + 1);
    const persistTo = join(folder, `state-${at + 1}`);
    mkdirSync(persistTo);
    const instance = await startInstance({
      config: at === 0 ? config.file : writeWranglerConfig(join(folder, "further"), further),
      script,
      name: at === 0 ? "planted" : further.name,
      port: port + at,
      variables: { VARIABLE: "set" },
      persistTo,
      registry: join(folder, "registry"),
    });
    closing.push(() => instance.stop());
    instances.push(instance);
  }
  return { instances, second: file("second.js", worker("second")) };
}

async function ask({ url }: Instance, path = "/"): Promise<Record<string, unknown>> {
  const headers = { "CF-Connecting-IP": "10.0.0.7", "MF-CF-Blob": '{"continent":"NA"}' };
  const response = await fetch(url + path, { headers, signal: AbortSignal.timeout(1_000) });
  return (await response.json()) as Record<string, unknown>;
}

it("two instances share the Durable Objects of the first, and each can be frozen and restarted", async () => {
  const { instances, second } = await startTwo();
  const [host, other] = instances as [Instance, Instance];
  const count = async (): Promise<unknown> => (await ask(other))["count"];
  expect(await ask(host, "/add")).toEqual({
    version: "first",
    variable: "set",
    count: 1,
    address: "10.0.0.7",
    continent: "NA",
  });
  expect(await ask(other, "/add")).toMatchObject({ version: "first", count: 2 });

  await ask(other, "/send");
  await expect.poll(count).toBe(12);
  expect((await runCron(host.triggersUrl, "* * * * *")).status).toBe(200);
  expect(await count()).toBe(112);

  const runtime = host.runtime();
  expect(runtime).toHaveLength(1);
  expect(other.runtime()).not.toEqual(runtime);
  signalAll(runtime, "SIGSTOP");
  try {
    await expect(ask(host)).rejects.toThrow("timeout");
  } finally {
    signalAll(runtime, "SIGCONT");
  }
  expect(await ask(host)).toMatchObject({ count: 112 });

  await host.restart(second);
  expect(await ask(host)).toMatchObject({ version: "second", count: 112 });
  await expect.poll(() => count().catch(String)).toBe(112);
  expect(await ask(other)).toMatchObject({ version: "first" });

  const left = [...host.runtime(), ...other.runtime()];
  await Promise.all([host.stop(), other.stop()]);
  for (const pid of left) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  expect(() => host.runtime()).toThrow("no process of workerd");
});

it("after a failed restart, an instance rejects further restarts with its output and stops", async () => {
  const { instances } = await startTwo();
  const [, other] = instances as [Instance, Instance];
  await expect(other.restart("no-such-file.js")).rejects.toThrow("no-such-file.js");
  await expect(other.restart("no-such-file.js")).rejects.toThrow("ended with 1");
  await other.stop();
});

it("the local services of another process tell their caller that they have ended", async () => {
  const services = await forkServices();
  closing.push(() => services.close());
  const own = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(process.pid), "-ww"]);
  const [, pid] = /^\s*(\d+) .*services-process/m.exec(own.toString()) ?? [];
  signalAll([Number(pid)], "SIGKILL");
  await expect(services.died).rejects.toThrow("the local services ended with SIGKILL");
});
