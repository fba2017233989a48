/** The product of a checkout, on workerd's own port and behind the proxy of `wrangler dev`. */
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { bundle } from "../../dev/bundle.ts";
import { forkServices } from "../../dev/services-process.ts";
import { startDataCentre } from "../tiers/runtime.ts";
import { freePort } from "../support/processes.ts";
import { GC_FLAG, liveBytes } from "../../tools/heap/live-bytes.ts";

export interface Subject {
  readonly url: string;
  /** Returns the live bytes of the isolate after a garbage collection, or undefined behind the dev proxy. */
  liveBytes(): Promise<number | undefined>;
  /** Returns the resident bytes of all workerd processes of the subject. */
  residentBytes(): number;
  /** Returns the number of commands that the Redis gateway got. */
  redisCommands(): Promise<number>;
  close(): Promise<void>;
}

const READY_MS = 120_000;

/** Starts the bundled Worker in workerd, as a client on the network would reach it. */
export async function startOnOwnPort(root: string, originUrl: string): Promise<Subject> {
  process.env["MINIFLARE_WORKERD_V8_FLAGS"] = GC_FLAG;
  const services = await forkServices();
  const centre = await startDataCentre(bundle("wrangler.toml", root), {
    isolates: 1,
    objects: true,
    inspected: true,
    bindings: {
      DATABASE_URL: services.databaseUrl,
      NEON_ENDPOINT: services.sqlEndpoint,
      UPSTASH_REDIS_REST_URL: services.redisUrl,
      UPSTASH_REDIS_REST_TOKEN: services.redisToken,
      ORIGIN_URL: originUrl,
      OTEL_SDK_DISABLED: "true",
      STRATA_LOG: "off",
    },
  });
  return {
    url: centre.urls[0] ?? "",
    liveBytes: () => liveBytes(centre.inspectors[0] ?? ""),
    residentBytes: () => residentOf(process.pid),
    redisCommands: () => commandsAt(services.url),
    async close() {
      await centre.close();
      await services.close();
    },
  };
}

/** Starts `npm run dev`. */
export async function startBehindDevProxy(root: string, originUrl: string): Promise<Subject> {
  const [port, servicesPort] = [await freePort(), await freePort()];
  const child = spawn("npm", ["run", "dev"], {
    cwd: root,
    detached: true,
    env: {
      ...process.env,
      PORT: String(port),
      SERVICES_PORT: String(servicesPort),
      INSTANCES: "1",
      CRON_SECONDS: "0",
      ORIGIN_URL: originUrl,
      OTEL_SDK_DISABLED: "true",
      STRATA_LOG: "off",
    },
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const ready = Promise.withResolvers<void>();
  let output = "";
  const late = setTimeout(() => ready.reject(new Error(`npm run dev: ${output}`)), READY_MS);
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("Strata ready")) ready.resolve();
    });
  await ready.promise.finally(() => clearTimeout(late));
  const pid = child.pid ?? 0;
  return {
    url: `http://127.0.0.1:${port}`,
    liveBytes: () => Promise.resolve(undefined),
    residentBytes: () => residentOf(pid),
    redisCommands: () => commandsAt(`http://127.0.0.1:${servicesPort}`),
    async close() {
      process.kill(-pid, "SIGINT");
      await ended;
    },
  };
}

async function commandsAt(services: string): Promise<number> {
  const counts = (await (await fetch(`${services}/counts`)).json()) as {
    readonly redis: { readonly commands: number };
  };
  return counts.redis.commands;
}

/** Adds up the resident bytes of the workerd processes that descend from a process (Linux). */
function residentOf(ancestor: number): number {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const text = readFileSync(`/proc/${pid}/status`, "utf8");
        const read = (field: string): string =>
          new RegExp(`^${field}:\\s+(\\S+)`, "m").exec(text)?.[1] ?? "";
        const kib = Number(read("VmRSS"));
        return [{ pid: Number(pid), name: read("Name"), parent: Number(read("PPid")), kib }];
      } catch {
        // The process has ended.
        return [];
      }
    });
  const family = new Set([ancestor]);
  for (let size = 0; size < family.size;) {
    size = family.size;
    for (const { pid, parent } of processes) if (family.has(parent)) family.add(pid);
  }
  return processes
    .filter(({ pid, name }) => family.has(pid) && name === "workerd")
    .reduce((sum, { kib }) => sum + kib * 1_024, 0);
}
