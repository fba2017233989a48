/**
 * Measures hits of the proxy beside nginx and Varnish of Debian, and beside bare Workers that send the same
 * bytes: requests a second, and processor time a request of all processes of the server. Each server may use
 * one processor, and wrk another one. Rounds take turns, and everything starts several times. STARTS, ROUNDS
 * and SECONDS (of a round) set how long it runs. It needs Linux, and wrk and taskset on PATH; nginx and Varnish are left out where
 * they are not installed.
 */
import { cpus } from "node:os";
import { bundle } from "../dev/bundle.ts";
import { forkServices } from "../dev/services-process.ts";
import { resource, startOrigin } from "./floods/origin.ts";
import { isInstalled, PEERS, startPeer } from "./proxy/peers.ts";
import { runWrk } from "./proxy/wrk.ts";
import { hasProgram, pin, treeTime } from "./support/processes.ts";
import { runtimes } from "./support/processor-time.ts";
import { save, show } from "./support/report.ts";
import { median, rangeOf } from "./support/time.ts";
import { ask, closeConnections, OF_CONNECTION } from "./tiers/load.ts";
import { startDataCentre } from "./tiers/runtime.ts";

const STARTS = Number(process.env["STARTS"] ?? 3);
const ROUNDS = Number(process.env["ROUNDS"] ?? 5);
const SECONDS = Number(process.env["SECONDS"] ?? 3);
const CONNECTIONS = 8;
const SERVER_PROCESSOR = 0;
const CLIENT_PROCESSOR = 1;
/** The rounds of each server before the first one that counts. */
const WARM_UP = 2;

const SIZES = [
  { name: "1 KB", bytes: 1_000 },
  { name: "64 KB", bytes: 64_000 },
  { name: "1 MB", bytes: 1_000_000 },
] as const;

const BARE = "bare Worker, bytes in memory";
const PASSING = "bare Worker, fetch of the origin";

for (const program of ["wrk", "taskset"])
  if (!hasProgram(program)) throw new Error(`${program} is not on PATH`);
if (cpus().length < 2) throw new Error("this benchmark needs two processors");
const peers = PEERS.filter(isInstalled);
for (const { name } of PEERS.filter((peer) => !peers.includes(peer)))
  console.log(`${name} is not on PATH and is left out`);

interface Server {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** Returns the path of the body with this number of bytes. */
  pathOf(bytes: number): string;
  close(): Promise<void>;
}

interface Sample {
  readonly rate: number;
  readonly cpuUs: number;
  readonly p99Ms: number;
}

const services = await forkServices();
const origin = await startOrigin();
const originPath = (bytes: number): string =>
  resource(`/body/${bytes}`, { bytes, control: "max-age=86400" });
const product = bundle("wrangler.toml");
const bare = bundle("bench/proxy/bare/wrangler.toml");

type Bindings = Readonly<Record<string, string>>;

/** Starts a Worker in a workerd of its own. */
async function startWorker(name: string, script: string, bindings: Bindings): Promise<Server> {
  const before = new Set(runtimes());
  const objects = script === product;
  const centre = await startDataCentre(script, { isolates: 1, bindings, objects });
  const pid = runtimes().find((candidate) => !before.has(candidate));
  if (pid === undefined) throw new Error("this benchmark needs /proc");
  pin(pid, SERVER_PROCESSOR);
  const pathOf = name === BARE ? (bytes: number) => `/memory?bytes=${bytes}` : originPath;
  return { name, url: centre.urls[0] ?? "", pid, pathOf, close: () => centre.close() };
}

const startProduct = (start: number): Promise<Server> =>
  startWorker("Strata, proxy", product, {
    DATABASE_URL: services.databaseUrl,
    NEON_ENDPOINT: services.sqlEndpoint,
    UPSTASH_REDIS_REST_URL: services.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: services.redisToken,
    ORIGIN_URL: origin.url,
    ORIGIN_AT_ROOT: "1",
    OTEL_SDK_DISABLED: "true",
    STRATA_LOG: "off",
    STRATA_NAMESPACE: `bench-${start}`,
  });

/** Asks twice for each body, and returns the fields of a hit as JSON. */
async function fill({ name, url, pathOf }: Server): Promise<string> {
  let fields = "{}";
  for (const { bytes } of SIZES)
    for (let at = 0; at < 4; at++) {
      const { status, headers, body } = await ask(`${url}${pathOf(bytes)}`, at);
      if (status !== 200 || body.length !== bytes) throw new Error(`${name}: status ${status}`);
      const isHit = [headers["x-cache"], headers["x-cache-status"]].includes("HIT");
      if (at === 3 && name !== BARE && name !== PASSING && !isHit)
        throw new Error(`${name}: ${bytes} bytes are no hit`);
      const own = Object.entries(headers).filter(([field]) => !OF_CONNECTION.has(field));
      if (bytes === SIZES[0].bytes) fields = JSON.stringify(Object.fromEntries(own));
    }
  return fields;
}

async function round(server: Server, bytes: number, seconds: number): Promise<Sample> {
  const loads = origin.requests("/body");
  const before = treeTime(server.pid);
  const load = await runWrk(`${server.url}${server.pathOf(bytes)}`, {
    connections: CONNECTIONS,
    seconds,
    processor: CLIENT_PROCESSOR,
  });
  const cpuUs = (treeTime(server.pid) - before) / load.requests;
  if (server.name !== PASSING && origin.requests("/body") !== loads)
    throw new Error(`${server.name} asked the origin during a round`);
  return { rate: load.requests / load.seconds, cpuUs, p99Ms: load.p99Ms };
}

/** Returns the median sample of each server and size. */
async function once(start: number): Promise<ReadonlyMap<string, Sample>> {
  const servers: Server[] = [];
  try {
    const strata = await startProduct(start);
    servers.push(strata);
    const bindings = { ORIGIN_URL: origin.url, FIELDS: await fill(strata) };
    for (const name of [BARE, PASSING]) servers.push(await startWorker(name, bare, bindings));
    for (const peer of peers) {
      const server = await startPeer(peer, origin.url, SERVER_PROCESSOR);
      servers.push({ ...server, name: peer.name, pathOf: originPath });
    }
    for (const server of servers) await fill(server);
    const samples = new Map<string, Sample[]>();
    for (const { name, bytes } of SIZES)
      for (let at = -WARM_UP; at < ROUNDS; at++)
        for (let turn = 0; turn < servers.length; turn++) {
          const server = servers[(turn + at + WARM_UP) % servers.length]!;
          const sample = await round(server, bytes, at < 0 ? Math.min(1, SECONDS) : SECONDS);
          const key = `${name}, ${server.name}`;
          if (at >= 0) samples.set(key, [...(samples.get(key) ?? []), sample]);
        }
    return new Map([...samples].map(([key, list]) => [key, medianOf(list)]));
  } finally {
    for (const { close } of servers) await close();
  }
}

function medianOf(list: readonly Sample[]): Sample {
  const of = (pick: (sample: Sample) => number): number => median(list.map(pick));
  return { rate: of((s) => s.rate), cpuUs: of((s) => s.cpuUs), p99Ms: of((s) => s.p99Ms) };
}

try {
  const starts: ReadonlyMap<string, Sample>[] = [];
  for (let start = 0; start < STARTS; start++) starts.push(await once(start));
  const rows = SIZES.flatMap(({ name: size }) => {
    const all = (server: string): readonly Sample[] =>
      starts.flatMap((start) => start.get(`${size}, ${server}`) ?? []);
    return ["Strata, proxy", BARE, PASSING, ...peers.map(({ name }) => name)].map((server) => {
      const [own, base] = [all(server), all(BARE)];
      const cpu = own.map(({ cpuUs }) => cpuUs);
      const rates = own.map(({ rate }) => rate);
      const ratios = own.map(({ cpuUs }, at) => (base[at]?.cpuUs ?? Number.NaN) / cpuUs);
      return {
        body: size,
        server,
        "requests/s": Math.round(median(rates)),
        "range of requests/s": rangeOf(rates),
        "CPU µs per request": Math.round(median(cpu)),
        "range of CPU": rangeOf(cpu),
        "ratio to the bare Worker, by CPU": median(ratios).toFixed(2),
        range: rangeOf(ratios, 2),
        "p99, ms": median(own.map(({ p99Ms }) => p99Ms)).toFixed(1),
      };
    });
  });
  show(`Hits: ${STARTS} starts, ${ROUNDS} rounds of ${SECONDS} s each; medians`, rows);
  save("proxy", { starts: STARTS, rounds: ROUNDS, seconds: SECONDS, rows });
} finally {
  closeConnections();
  await origin.close();
  await services.close();
}
