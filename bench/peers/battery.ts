/** The races. Each returns its result and whether the result is right. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Deployment, Process } from "./subject.ts";

export interface Verdict {
  readonly right: boolean;
  readonly text: string;
}

export interface Race {
  readonly name: string;
  /** The events of the race, and the expected result. */
  readonly description: string;
  readonly processes: number;
  readonly tags?: true;
  run(deployment: Deployment): Promise<Verdict | undefined>;
}

const TTL_MS = 60_000;
const TAG = "catalogue";
const KEY = "row";
const READERS = 50;
/**
 * Milliseconds until all activity has ended: longer than Strata's coherence window and than any bus
 * needs.
 */
const SETTLE_MS = 1_300;

const plain = { ttlMs: TTL_MS };
const tagged = { ttlMs: TTL_MS, tags: [TAG] };

/** Placeholder for a missing process, for the type checker. Every deployment has a process. */
const never: Process = {
  read: () => Promise.reject(new Error("there is no process")),
  delete: () => Promise.reject(new Error("there is no process")),
  deleteByTag: undefined,
};

/** Creates a row of the origin that counts its loads. */
function createOrigin(value: string | undefined) {
  const origin = { value, loads: 0 };
  return {
    origin,
    load: async () => {
      origin.loads++;
      const read = origin.value;
      await sleep(20);
      return read;
    },
  };
}

/** Creates a load that has read the row but does not return yet. */
function createHeldLoad(value: string) {
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const { promise: opened, resolve: release } = Promise.withResolvers<void>();
  const load = async () => {
    start();
    await opened;
    return value;
  };
  return { load, started, release };
}

/** Returns the value that every process reads after all activity has ended. */
async function settled(
  processes: readonly Process[],
  options: typeof tagged | typeof plain,
): Promise<Verdict> {
  await sleep(SETTLE_MS);
  const { load } = createOrigin("new");
  const values = await Promise.all(processes.map((one) => one.read(KEY, options, load)));
  const stale = values.filter((value) => value !== "new").length;
  return stale === 0
    ? { right: true, text: "new" }
    : { right: false, text: `old in ${stale} of ${values.length}` };
}

async function invalidateDuringLoad(
  { processes }: Deployment,
  options: typeof tagged | typeof plain,
  invalidate: (by: Process) => Promise<unknown> | undefined,
): Promise<Verdict | undefined> {
  const [reader, writer] = processes as [Process, Process];
  const held = createHeldLoad("old");
  const reading = reader.read(KEY, options, held.load);
  await held.started;
  // Writes the row, then invalidates. A library may wait for the load here.
  const invalidated = invalidate(writer);
  if (invalidated === undefined) {
    held.release();
    await reading;
    return undefined;
  }
  await Promise.race([invalidated, sleep(200)]);
  held.release();
  await reading;
  await invalidated;
  return settled(processes, options);
}

async function countLoads(
  work: (load: () => Promise<string | undefined>) => Promise<unknown>,
  value: string | undefined,
): Promise<Verdict> {
  const { origin, load } = createOrigin(value);
  await work(load);
  return { right: origin.loads === 1, text: `${origin.loads}` };
}

export const RACES: readonly Race[] = [
  {
    name: "delete during load",
    description:
      "another process deletes the key while its old value is being loaded; then all processes read",
    processes: 2,
    run: (deployment) => invalidateDuringLoad(deployment, plain, (by) => by.delete(KEY)),
  },
  {
    name: "tag during load",
    description:
      "another process invalidates a tag while the old value is being loaded; then all processes read",
    processes: 2,
    tags: true,
    run: (deployment) => invalidateDuringLoad(deployment, tagged, (by) => by.deleteByTag?.(TAG)),
  },
  {
    name: "delete during backfill",
    description:
      "one process deletes the key while the second level's answer is on its way to another; then all processes read",
    processes: 2,
    async run({ processes, shared }) {
      const [writer, reader] = processes as [Process, Process];
      await writer.read(KEY, plain, createOrigin("old").load);
      await sleep(100);
      const hold = shared.holdNextRead();
      const reading = reader.read(KEY, plain, createOrigin("old").load);
      // A process to which the value was pushed does not ask the second level.
      await Promise.race([hold.reached, reading]);
      await Promise.race([writer.delete(KEY), sleep(200)]);
      hold.release();
      await reading;
      return settled(processes, plain);
    },
  },
  {
    name: "delete reaches all memories",
    description: "both processes hold the value and one deletes it; then all processes read",
    processes: 2,
    async run({ processes }) {
      const [writer] = processes as [Process];
      // The processes read at the same time, so that each loads and keeps the value itself.
      const { load } = createOrigin("old");
      await Promise.all(processes.map((one) => one.read(KEY, plain, load)));
      await sleep(100);
      await writer.delete(KEY);
      return settled(processes, plain);
    },
  },
  {
    name: "stampede",
    description: `${READERS} concurrent reads of a missing key in one process: loads`,
    processes: 1,
    run: ({ processes: [one = never] }) =>
      countLoads(
        (load) => Promise.all(Array.from({ length: READERS }, () => one.read(KEY, plain, load))),
        "value",
      ),
  },
  {
    name: "stampede, 4 processes",
    description: `${READERS} concurrent reads of a missing key, spread over 4 processes: loads`,
    processes: 4,
    run: ({ processes }) =>
      countLoads(
        (load) =>
          Promise.all(
            Array.from({ length: READERS }, (_, at) =>
              (processes[at % processes.length] ?? never).read(KEY, plain, load),
            ),
          ),
        "value",
      ),
  },
  {
    name: "error stampede",
    description: `${READERS} concurrent reads whose load fails: loads`,
    processes: 1,
    run: ({ processes: [one = never] }) =>
      countLoads(async (load) => {
        const failing = async (): Promise<never> => {
          await load();
          throw new Error("the origin is away");
        };
        await Promise.allSettled(
          Array.from({ length: READERS }, () => one.read(KEY, plain, failing)),
        );
      }, "never"),
  },
  {
    name: "negative caching",
    description: "10 reads in turn of a value that does not exist: loads",
    processes: 1,
    run: ({ processes: [one = never] }) =>
      countLoads(async (load) => {
        for (let at = 0; at < 10; at++) await one.read(KEY, plain, load);
      }, undefined),
  },
  {
    name: "backfill",
    description:
      "one process loads a value, and another reads it 11 times: loads, reads of the second level after the first",
    processes: 2,
    async run({ processes, shared }) {
      const [writer, reader] = processes as [Process, Process];
      const { origin, load } = createOrigin("value");
      await writer.read(KEY, plain, load);
      await sleep(100);
      await reader.read(KEY, plain, load);
      await sleep(20);
      const before = shared.reads();
      for (let at = 0; at < 10; at++) await reader.read(KEY, plain, load);
      const reads = shared.reads() - before;
      return {
        right: origin.loads === 1 && reads === 0,
        text: `${origin.loads} load, ${reads} reads`,
      };
    },
  },
];
