import { setTimeout as pause } from "node:timers/promises";
import { measureHeadroom, type DriverHeadroom } from "./headroom.ts";
import { visit, type Behaviour, type Errand, type Visit } from "./visit.ts";

/** Clients of one kind, who come at random at a steady rate. */
export interface Stream {
  readonly name: string;
  /** Over all instances. */
  readonly perSecond: number;
  readonly behaviour?: Behaviour;
  /** Makes the request of the n-th client. */
  readonly errand: (n: number) => Errand;
}

/** Something that happens in the course of a drive. */
export interface Happening {
  readonly atMs: number;
  readonly act: () => Promise<unknown>;
}

export interface DriveOptions {
  readonly forMs: number;
  readonly streams: readonly Stream[];
  readonly happenings?: readonly Happening[];
}

export interface Drive {
  readonly visits: readonly Visit[];
  readonly headroom: DriverHeadroom;
}

/**
 * Sends clients by a schedule that is made before the start, so that slow answers do not slow the
 * clients down (an open loop). The time of a visit counts from its place in the schedule. Resolves when all
 * clients have ended. Rejects if a happening does, after the last client has come.
 */
export async function drive({ forMs, streams, happenings = [] }: DriveOptions): Promise<Drive> {
  const schedule = streams
    .flatMap((stream, at) => arrivals(stream, forMs, at + 1))
    .toSorted((a, b) => a.dueMs - b.dueMs);
  const meter = measureHeadroom();
  const begin = performance.now();
  const acting = happenings.map(async ({ atMs, act }) => {
    await pause(atMs);
    await act();
  });
  const acted = Promise.all(acting);
  // An act that fails during the loop is an error of the drive, which reads it after the loop.
  acted.catch(() => undefined);
  const visits: Promise<Visit>[] = [];
  for (const { stream, dueMs, n } of schedule) {
    const early = dueMs - (performance.now() - begin);
    if (early > 0) await pause(early);
    const lateMs = Math.max(0, performance.now() - begin - dueMs);
    visits.push(
      visit(stream.errand(n), stream.behaviour ?? {}).then((made) => ({
        ...made,
        stream: stream.name,
        dueMs,
        lateMs,
        ms: performance.now() - begin - dueMs,
      })),
    );
  }
  await acted;
  const rest = forMs - (performance.now() - begin);
  if (rest > 0) await pause(rest);
  const made = await Promise.all(visits);
  return { visits: made, headroom: meter.stop(made.map(({ lateMs }) => lateMs)) };
}

interface Arrival {
  readonly stream: Stream;
  readonly dueMs: number;
  readonly n: number;
}

/** Makes the arrivals of a Poisson process. The same seed gives the same times. */
function arrivals(stream: Stream, forMs: number, seed: number): Arrival[] {
  const random = createRandom(seed);
  const made: Arrival[] = [];
  for (let dueMs = 0, n = 0; ; n += 1) {
    dueMs += (-Math.log(1 - random()) / stream.perSecond) * 1_000;
    if (dueMs >= forMs) return made;
    made.push({ stream, dueMs, n });
  }
}

/** mulberry32: numbers in [0, 1). */
function createRandom(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
