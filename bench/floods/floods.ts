/** The floods: what clients do at the same time, and what is measured meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";
import { createDice } from "../support/dice.ts";
import { median } from "../support/time.ts";
import { ask, newAddress, stall, type Answer, type Asking } from "./clients.ts";
import { resource, type Answering, type FloodOrigin } from "./origin.ts";
import type { Subject } from "./subjects.ts";

/** Where a flood runs. */
export interface Scene {
  readonly subject: Subject;
  readonly origin: FloodOrigin;
  /** A part of every path, so that no two subjects have a path in common. */
  readonly id: string;
}

export interface Flood {
  readonly name: string;
  /** Returns what was measured, as the text of a cell. */
  run(scene: Scene): Promise<string>;
}

const MIB = 2 ** 20;
/** A body that the cache keeps, a little under its limit of 4 MiB. */
const LARGE_BYTES = 3_900_000;
/** The time that the origin takes where it is not the point of the flood. */
const WAIT_MS = 200;
const SIX = Array.from({ length: 6 }, (_, at) => at);
const FRESH = "max-age=3600";

function urlOf({ subject, id }: Scene, path: string, answering: Answering): string {
  return `${subject.url}/origin${resource(`/${id}/${path}`, answering)}`;
}

function requestsTo({ origin, id }: Scene, path: string): number {
  return origin.requests(`/${id}/${path}`);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function longest(answers: readonly Answer[]): string {
  return `${Math.round(Math.max(...answers.map(({ ms }) => ms)))} ms`;
}

const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;

/** Six requests at once for a resource that nobody has asked for. */
function cold(
  name: string,
  answering: Answering,
  asking: (at: number) => Asking = () => ({}),
): Flood {
  return {
    name: `6 cold clients, ${name}: requests at the origin, longest wait`,
    async run(scene) {
      const url = urlOf(scene, name, { waitMs: WAIT_MS, ...answering });
      const answers = await Promise.all(SIX.map((at) => ask(url, asking(at))));
      return `${requestsTo(scene, encodeURI(name))}, ${longest(answers)}`;
    },
  };
}

const COLD = [
  cold("only an ETag", { etag: "a" }),
  cold("no-cache", { etag: "a", control: "no-cache" }),
  cold("a bearer token", { control: FRESH }, () => ({ headers: { Authorization: "Bearer x" } })),
  cold("HEAD", { control: FRESH }, () => ({ method: "HEAD" })),
  cold("6 ranges", { control: FRESH, etag: "a", bytes: 600 }, (at) => ({
    headers: { Range: `bytes=${at * 100}-${at * 100 + 99}` },
  })),
];

const purged: Flood = {
  name: "30 clients with If-None-Match after a purge: requests at the origin",
  async run(scene) {
    const url = urlOf(scene, "purged", { control: FRESH, etag: "a", waitMs: WAIT_MS });
    await ask(url);
    await ask(url, { method: "POST" });
    await sleep(1_500);
    const before = requestsTo(scene, "purged");
    const headers = { "If-None-Match": '"a"' };
    await Promise.all(Array.from({ length: 30 }, () => ask(url, { headers })));
    return String(requestsTo(scene, "purged") - before);
  },
};

const reloading: Flood = {
  name: "20 clients with Cache-Control: no-cache, response stored: requests at the origin",
  async run(scene) {
    const url = urlOf(scene, "reloaded", { control: FRESH, etag: "a", waitMs: WAIT_MS });
    await ask(url);
    const headers = { "Cache-Control": "no-cache" };
    await Promise.all(Array.from({ length: 20 }, () => ask(url, { headers })));
    return String(requestsTo(scene, "reloaded") - 1);
  },
};

const posting: Flood = {
  name: "50 anonymous POSTs of one client: Redis commands",
  async run(scene) {
    const address = newAddress();
    const before = await scene.subject.redisCommands();
    await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        ask(urlOf(scene, `posted/${at}`, {}), { method: "POST", address }),
      ),
    );
    await sleep(2_500);
    return String((await scene.subject.redisCommands()) - before);
  },
};

const slowBody: Flood = {
  name: "a body that takes 16 s: first byte for its client, and for another one (1 s later) after",
  async run(scene) {
    const url = urlOf(scene, "slow", { control: FRESH, bytes: MIB, spreadMs: 16_000 });
    const first = ask(url);
    await sleep(1_000);
    const second = await ask(url);
    return `${seconds((await first).firstMs)}, ${seconds(second.firstMs)}`;
  },
};

const notReading: Flood = {
  name: "1 socket that does not read a URL of 4 MiB: another client has it after",
  async run(scene) {
    const url = urlOf(scene, "stalled", { control: FRESH, bytes: 4 * MIB });
    const stalled = await stall([url]);
    await sleep(500);
    const { status, ms } = await ask(url);
    await stalled.close();
    return status === 200 ? seconds(ms) : `no answer in ${seconds(ms)}`;
  },
};

const hanging: Flood = {
  name: "an origin that hangs: the leader and 3 followers (1 s later) end after",
  async run(scene) {
    const url = urlOf(scene, "hanging", { hangs: true });
    const leader = ask(url);
    await sleep(1_000);
    const ends = await Promise.all([leader, ...SIX.slice(0, 3).map(() => ask(url))]);
    return ends.map(({ status, ms }) => `${seconds(ms)} (${status})`).join(", ");
  },
};

/** Waits until the slots of requests whose clients have left count as free: after 35 s. */
async function untilSlotsAreFree(): Promise<void> {
  await sleep(36_000);
}

/** Cold reads of products, one after the other. */
async function productReads({ subject }: Scene, from: number): Promise<string> {
  const reads: Answer[] = [];
  for (let id = from; id < from + 10; id++) reads.push(await ask(`${subject.url}/products/${id}`));
  const served = reads.filter(({ status }) => status === 200);
  return `${served.length} of 10, median ${Math.round(median(reads.map(({ ms }) => ms)))} ms`;
}

const manyNotReading: Flood = {
  name: "64 such sockets of one client, 3.9 MB each: cold product reads answered",
  async run(scene) {
    await untilSlotsAreFree();
    const large = { control: FRESH, bytes: LARGE_BYTES };
    const stalled = await stall(
      Array.from({ length: 64 }, (_, at) => urlOf(scene, `64/${at}`, large)),
    );
    await sleep(2_000);
    const reads = await productReads(scene, 1);
    await stalled.close();
    return reads;
  },
};

const manyHanging: Flood = {
  name: "64 requests of one client to URLs that hang: cold product reads answered",
  async run(scene) {
    await untilSlotsAreFree();
    const hung = await stall(
      Array.from({ length: 64 }, (_, at) => urlOf(scene, `h/${at}`, { hangs: true })),
    );
    await sleep(1_000);
    const reads = await productReads(scene, 21);
    await hung.close();
    return reads;
  },
};

const memory: Flood = {
  name: "50 misses of 3.9 MB that are not read: live bytes before and then; resident bytes then",
  async run(scene) {
    const { subject } = scene;
    const before = await subject.liveBytes();
    const large = { control: FRESH, bytes: LARGE_BYTES };
    const urls = Array.from({ length: 50 }, (_, at) => urlOf(scene, `50/${at}`, large));
    const stalled = await stall(urls);
    await sleep(5_000);
    const [then, resident] = [await subject.liveBytes(), subject.residentBytes()];
    await stalled.close();
    return (
      [before, then].map((bytes) => (bytes === undefined ? "–" : mib(bytes))).join(", ") +
      `; ${mib(resident)}`
    );
  },
};

/** 1,000 small resources are hot, and 60 large ones are asked for once, one for every 25 reads. */
const sharedMemory: Flood = {
  name: "60 large bodies arrive, 3.9 MB each: hits in memory among 1,000 resources of 8 KB",
  async run(scene) {
    const dice = createDice(7);
    const small = (at: number): string =>
      urlOf(scene, `hot/${at}`, { control: FRESH, bytes: 8_000 });
    for (let at = 0; at < 1_000; at += 10)
      await Promise.all(Array.from({ length: 10 }, (_, i) => ask(small(at + i))));
    let hits = 0;
    for (let large = 0; large < 60; large++) {
      await ask(urlOf(scene, `large/${large}`, { control: FRESH, bytes: LARGE_BYTES }));
      for (let i = 0; i < 25; i++) {
        const { cache } = await ask(small(Math.floor(dice() * 1_000)));
        if (/\bhit\b.*detail=memory/.test(cache)) hits++;
      }
    }
    return `${Math.round((hits / 1_500) * 100)} %`;
  },
};

/** In this order, because the last ones leave most behind. */
export const FLOODS: readonly Flood[] = [
  notReading,
  purged,
  ...COLD,
  reloading,
  posting,
  slowBody,
  hanging,
  sharedMemory,
  memory,
  manyNotReading,
  manyHanging,
];
