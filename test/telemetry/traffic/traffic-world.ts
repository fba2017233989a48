/** Replays traces through the real memory tier, while the recorder of traffic listens. */
import { createDice } from "../../../bench/support/dice.ts";
import type { Entry } from "../../../src/core/entry.ts";
import type { LookupStatus } from "../../../src/core/events.ts";
import type { MemoryTier } from "../../../src/core/tier.ts";
import type { TrafficSketch } from "../../../src/core/traffic.ts";
import { createEventRecorder } from "../../../src/telemetry/event-recorder.ts";
import { createMeter, createTopKeys } from "../../../src/telemetry/metrics/meter.ts";
import { createComparison } from "../../../src/telemetry/traffic/compare.ts";
import { createTrafficRecorder } from "../../../src/telemetry/traffic/recorder.ts";
import type { CreateMemory, MemorySettings } from "../../../src/telemetry/traffic/simulate.ts";
import type { RequestRecord } from "../../../src/telemetry/traces/request-record.ts";
import { createEviction, type Eviction } from "../../../src/tiers/eviction/choice.ts";
import { createMemoryTier } from "../../../src/tiers/memory.ts";
import { entryOf } from "../../support/entries.ts";

/** The milliseconds between two reads of a trace. */
export const EVERY_MS = 10;
const HOUR_MS = 3_600_000;

export const createMemory: CreateMemory = ({ eviction, maxBytes, maxEntries }, sizeOf) =>
  createMemoryTier({
    maxBytes,
    maxEntries,
    eviction: createEviction(eviction as Eviction, createDice(5)),
    sizeOf,
  });

/** An entry of a key. The size of its body depends on the key. */
export function sizedEntry(key: string, storedAt: number): Entry {
  const id = Number(key.slice(key.indexOf(":") + 1));
  const until = storedAt + HOUR_MS;
  return entryOf({
    key,
    body: "x".repeat(200 + ((id * 37) % 1_000)),
    storedAt,
    freshUntil: until,
    staleUntil: until,
    errorUntil: until,
    deleteAt: until,
  });
}

function realMemory({ eviction, maxBytes, maxEntries }: MemorySettings): MemoryTier {
  return createMemoryTier({
    maxBytes,
    maxEntries,
    eviction: createEviction(eviction as Eviction, createDice(5)),
  });
}

/** The recorder as telemetry uses it: it gets the events of lookups. */
export function createListener(memory: Pick<MemoryTier, "peek">, now: () => number) {
  const traffic = createTrafficRecorder({ isolate: "a", peek: memory.peek });
  const record = createEventRecorder({
    meter: createMeter(),
    now,
    hot: createTopKeys(128, traffic.markOf),
    missed: createTopKeys(128),
    traffic,
    formatKey: (key) => key,
    addStep: () => undefined,
    note: () => undefined,
    onRelay: () => undefined,
    tokenPrices: { input: 0, output: 0 },
    onLevelChange: () => undefined,
  });
  return {
    sketch: traffic.sketch,
    /** `request`: the record of the request that reads. */
    read: (key: string, status: LookupStatus, request?: RequestRecord) =>
      record({ type: "lookup.end", key, status, negative: false, unreachable: false }, request),
    invalidated: (key: string) =>
      record({ type: "entry.reject", key, tier: "memory", reason: "invalidated" }, undefined),
  };
}

/** Returns which reads of the trace a memory with these settings answers. */
export function replay(
  keys: readonly string[],
  settings: MemorySettings,
  onRead: (key: string, hit: boolean, now: number, memory: MemoryTier) => void = () => undefined,
): readonly boolean[] {
  const memory = realMemory(settings);
  return keys.map((key, index) => {
    const now = index * EVERY_MS;
    const hit = memory.get(key) !== undefined;
    if (!hit) memory.put(sizedEntry(key, now), now);
    onRead(key, hit, now, memory);
    return hit;
  });
}

/**
 * Reads a trace whose entries are fresh for a time, with memory for all of them. Returns which reads
 * wait for a load.
 */
export function replayFresh(
  keys: readonly string[],
  freshMs: number,
  onRead: (key: string, waits: boolean, now: number, entry: Entry) => void = () => undefined,
): readonly boolean[] {
  const entries = new Map<string, Entry>();
  return keys.map((key, index) => {
    const now = index * EVERY_MS;
    const held = entries.get(key);
    const waits = held === undefined || now >= held.freshUntil;
    const until = now + freshMs;
    const entry = waits
      ? {
          ...sizedEntry(key, now),
          freshUntil: until,
          staleUntil: until,
          errorUntil: until,
          deleteAt: until,
        }
      : held;
    entries.set(key, entry);
    onRead(key, waits, now, entry);
    return waits;
  });
}

/** Records a trace whose entries are fresh for a time, and returns its comparison. */
export function recordedFresh(keys: readonly string[], freshMs: number) {
  let now = 0;
  const entries = new Map<string, Entry>();
  const listener = createListener({ peek: (key) => entries.get(key) }, () => now);
  replayFresh(keys, freshMs, (key, waits, at, entry) => {
    now = at;
    entries.set(key, entry);
    listener.read(key, waits ? "miss" : "hit-memory");
  });
  return comparisonOf(listener.sketch(), {
    eviction: "sieve",
    maxBytes: 2 ** 27,
    maxEntries: 1_000_000,
  });
}

/** Records a trace that memory serves with the current settings, and returns its comparison. */
export function recorded(keys: readonly string[], current: MemorySettings) {
  let now = 0;
  let memory: MemoryTier | undefined;
  const listener = createListener({ peek: (key) => memory?.peek(key) }, () => now);
  replay(keys, current, (key, hit, at, own) => {
    now = at;
    memory = own;
    listener.read(key, hit ? "hit-memory" : "miss");
  });
  return comparisonOf(listener.sketch(), current);
}

function comparisonOf(sketch: TrafficSketch, memory: MemorySettings) {
  const compare = createComparison({
    sketches: () => Promise.resolve([sketch]),
    memory,
    createMemory,
    pause: () => Promise.resolve(),
  });
  return { sketch, compare };
}
