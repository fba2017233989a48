import { setTimeout as sleep } from "node:timers/promises";
import type { SharedLevel } from "./subject.ts";

export const ROUND_TRIP_MS = 2;

/** A minimal Redis: strings with a lifetime, and network latency. */
export interface SharedMap extends SharedLevel {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlMs?: number): Promise<void>;
  delete(keys: readonly string[]): Promise<number>;
  clear(): Promise<void>;
}

export function createSharedMap(): SharedMap {
  const held = new Map<string, { value: string; until: number }>();
  const gate = createReadGate();

  return {
    ...gate.level,
    async get(key) {
      await sleep(ROUND_TRIP_MS / 2);
      const found = held.get(key);
      await gate.pass();
      await sleep(ROUND_TRIP_MS / 2);
      return found !== undefined && found.until > Date.now() ? found.value : undefined;
    },
    async set(key, value, ttlMs = 3_600_000) {
      await sleep(ROUND_TRIP_MS);
      held.set(key, { value, until: Date.now() + ttlMs });
    },
    async delete(keys) {
      await sleep(ROUND_TRIP_MS);
      return keys.filter((key) => held.delete(key)).length;
    },
    async clear() {
      held.clear();
    },
  };
}

/** Counts reads, and can hold one of them back. */
export function createReadGate() {
  let reads = 0;
  let next: { reached: () => void; opened: Promise<void> } | undefined;

  const level: SharedLevel = {
    reads: () => reads,
    holdNextRead() {
      const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
      const { promise: opened, resolve: release } = Promise.withResolvers<void>();
      next = { reached: reach, opened };
      return { reached, release };
    },
  };
  return {
    level,
    async pass(): Promise<void> {
      reads++;
      const hold = next;
      next = undefined;
      if (hold === undefined) return;
      hold.reached();
      await hold.opened;
    },
  };
}
