/** Isolates of Strata over one shared store, for the races. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { definePolicy } from "../../src/core/policy.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createIsolate, createLocalFlights } from "../support/isolates.ts";
import { createReadGate } from "./shared-map.ts";
import type { Deployment } from "./subject.ts";

export const { version } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"),
) as { version: string };

/** Creates isolates with memory, their stores, and the flight object's logic, with default settings. */
export function createStrataDeployment(
  processes: number,
  openStore: () => SharedStore,
  close: () => Promise<void>,
): Deployment {
  const gate = createReadGate();
  const flights = createLocalFlights();
  const isolates = Array.from({ length: processes }, () => {
    const store = openStore();
    const gated: SharedStore = {
      ...store,
      async read(keys, since, ctx) {
        const answer = await store.read(keys, since, ctx);
        await gate.pass();
        return answer;
      },
    };
    return createIsolate(gated, flights);
  });
  return {
    shared: gate.level,
    processes: isolates.map(({ coherence, request, read }) => ({
      read: (key, { ttlMs, tags = [] }, load) =>
        read(`peer:${key}`, definePolicy({ freshFor: ttlMs, tags }), load),
      delete: (key) => coherence.invalidate([`k:peer:${key}`], request()),
      deleteByTag: (tag) => coherence.invalidate([`t:${tag}`], request()),
    })),
    close,
  };
}
