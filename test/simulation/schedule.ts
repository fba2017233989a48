/** Plays random schedules of reads, writes and failures. */
import {
  COHERENCE_MS,
  createCluster,
  LAG_MS,
  ORIGIN_TIMEOUT_MS,
  REDIS_TIMEOUT_MS,
  type Cluster,
  type ClusterOptions,
  type Isolate,
} from "./cluster.ts";
import { createClients, type Clients } from "./clients.ts";
import type { PlantedFault } from "./faults.ts";
import { createHistory, type History } from "./history.ts";
import type { Limits } from "./limits.ts";
import { ALL_KEYS, BATCHES, KEYS, THINGS, type Move, type Schedule } from "./moves.ts";
import { playScene } from "./scenes.ts";
import { createVirtualTime, type VirtualTime } from "./virtual-time.ts";

/** The time after the last move. Failures last 3 s, and the claim of a relay that has ended 15 s. */
const PEACE_MS = 70_000;
/** From then on, no single request is lost. */
const CALM_AFTER_MS = 10_000;
/** The cron trigger runs this often, in one of the isolates. */
const CRON_MS = 10_000;
/** The longest read while nothing fails: the time of its loads, those that wait for a slot included, and of its steps. */
const CALM_READ_MS = ORIGIN_TIMEOUT_MS + 2_000;

export interface PlayOptions extends Pick<ClusterOptions, "sharing" | "grouping" | "shards"> {
  /** Whether nothing fails. */
  readonly isCalm?: boolean;
}

/** Plays a schedule to its end. Returns the violations of the guarantee. */
export async function play(
  schedule: Schedule,
  fault: PlantedFault,
  { isCalm = false, sharing = false, grouping = false, shards }: PlayOptions = {},
): Promise<{ violations: readonly string[]; reads: number }> {
  const { seed, limits, steps } = schedule;
  const time = createVirtualTime({ seed });
  const history = createHistory({
    // A Durable Object has no replica that lags.
    coherenceMs: COHERENCE_MS + (shards === undefined ? LAG_MS : 0),
    // Two loads and one second, after at most two requests to the log.
    deadlineMs: isCalm ? CALM_READ_MS : 2 * ORIGIN_TIMEOUT_MS + 1_000 + 2 * REDIS_TIMEOUT_MS,
    answerMs: REDIS_TIMEOUT_MS,
    lagMs: LAG_MS,
    isCalm,
  });
  const cluster = createCluster({ time, fault, history, limits, sharing, grouping, shards });
  const clients = createClients({
    cluster,
    time,
    history,
    fault,
    keys: [...ALL_KEYS, ...THINGS],
    nestedMs: isCalm ? 0 : 1_000,
  });
  const setLossy = (isLossy: boolean): void => {
    cluster.redis.lossy = isLossy;
    cluster.outbox.lossy = isLossy;
  };
  setLossy(!isCalm);
  let at = 0;
  for (const { waitMs, move } of steps) {
    at += waitMs;
    time.after(at, () => make(move, { cluster, clients, time, history, limits }));
  }
  time.after(at + CALM_AFTER_MS, () => setLossy(false));
  const readAt = at + PEACE_MS - 20_000;
  for (let cron = CRON_MS; cron < readAt + 15_000; cron += CRON_MS)
    time.after(cron, () => {
      const index = Math.floor(time.random() * cluster.isolates.length);
      const isolate = cluster.isolates[index];
      if (isolate !== undefined) void clients.cron(isolate);
    });
  // Two answers of the log end the marks of each isolate, and a later number their effect.
  for (const before of [20_000, 10_000])
    time.after(readAt - before, () => {
      for (const isolate of cluster.isolates) void clients.read(isolate, KEYS[0]);
    });
  time.after(readAt - 5_000, () => void clients.purgeTag(cluster.isolates, "peace"));
  time.after(readAt, () => {
    for (const isolate of cluster.isolates) void clients.readInPeace(isolate, KEYS);
  });
  await time.run(at + PEACE_MS);
  cluster.close();
  if (cluster.outbox.open > 0) history.found(`${cluster.outbox.open} rows were never delivered`);
  return { violations: history.violations(), reads: history.reads };
}

/** Sets how far an isolate's clock is off. Isolates that share syncs have the clock of their data centre. */
function setClock(cluster: Cluster, one: Isolate, ms: number, time: VirtualTime, history: History) {
  const set = cluster.isolates.filter(
    (other) => other === one || (cluster.sharing && other.colo === one.colo),
  );
  for (const isolate of set) setOne(isolate, ms + isolate.offsetMs, time, history);
}

function setOne(isolate: Isolate, skewMs: number, time: VirtualTime, history: History): void {
  if (skewMs !== 0) history.clockWrong();
  const byMs = isolate.skewMs - skewMs;
  if (byMs > 0) history.clockSetBack(isolate.name, time.now(), byMs);
  isolate.skewMs = skewMs;
}

interface Play {
  readonly cluster: Cluster;
  readonly clients: Clients;
  readonly time: VirtualTime;
  readonly history: History;
  readonly limits: Limits;
}

function make(move: Move, { cluster, clients, time, history, limits }: Play): void {
  const at = (index: number) => {
    const found = cluster.isolates[index];
    if (found === undefined) throw new Error(`no isolate ${index}`);
    return found;
  };
  switch (move.kind) {
    case "read":
      return void clients.read(at(move.isolate), KEYS[move.key] ?? KEYS[0]);
    case "write":
      return void clients.write(at(move.isolate), ALL_KEYS[move.key] ?? KEYS[0], move.by);
    case "look":
      return void clients.look(at(move.isolate), THINGS[move.thing] ?? THINGS[0]);
    case "make":
      return void clients.write(at(move.isolate), THINGS[move.thing] ?? THINGS[0], move.by);
    case "filter":
      return void at(move.isolate).existence.buildAll(at(move.isolate).request().ctx);
    case "nested":
      return void clients.readNested(at(move.isolate), KEYS[move.key] ?? KEYS[0]);
    case "batch":
      return void clients.readMany(at(move.isolate), BATCHES[move.batch] ?? BATCHES[0]);
    case "batch-herd":
      for (const one of cluster.isolates)
        void clients.readMany(one, BATCHES[move.batch] ?? BATCHES[0]);
      return;
    case "warm":
      return void clients.warm(at(move.isolate), KEYS[move.key] ?? KEYS[0]);
    case "herd":
      for (const one of cluster.isolates)
        for (let i = 0; i < 3; i++) void clients.read(one, KEYS[move.key] ?? KEYS[0]);
      return;
    case "watch":
      for (let i = 0; i < 30; i++)
        time.after(i * 110, () => void clients.read(at(move.isolate), KEYS[move.key] ?? KEYS[0]));
      return;
    case "replace":
      return cluster.replace(move.isolate);
    case "clock":
      setClock(cluster, at(move.isolate), move.ms, time, history);
      return;
    case "outage":
      cluster.redis.outage = move.how;
      return void time.after(move.ms, () => {
        cluster.redis.outage = "none";
      });
    case "origin":
      cluster.origin = move.how;
      return void time.after(move.ms, () => {
        cluster.origin = "up";
      });
    case "flights-away":
      cluster.flightsAre = move.how;
      return void time.after(move.ms, () => {
        cluster.flightsAre = "up";
      });
    case "flush":
      return cluster.redis.flush();
    case "fail-over":
      return cluster.failOver();
    case "database":
      cluster.outbox.outage = move.how;
      return void time.after(move.ms, () => {
        cluster.outbox.outage = "none";
      });
    case "trim":
      return cluster.redis.trim(0);
    case "cap":
      return cluster.redis.trim(Infinity);
    case "drop-flights":
      return cluster.dropObjects();
    case "storm":
      // More changes than one answer has, and every other time more than all answers have.
      return cluster.redis.storm(Math.min(limits.page * (time.random() < 0.5 ? 1 : 6), 1_000) + 2);
    case "pace":
    case "debut":
    case "race":
    case "relays":
    case "lost-write":
    case "blackout":
    case "overflow":
    case "vain-purge":
      return playScene(move, { cluster, clients, time });
  }
}
