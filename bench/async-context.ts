/**
 * Measures what an async context costs: a chain of twelve awaits, about as many as a memory hit
 * has, inside AsyncLocalStorage and outside it, in one isolate of workerd. Rounds alternate.
 */
import { save, show } from "./support/report.ts";
import { median } from "./support/time.ts";
import { startDataCentre } from "./tiers/runtime.ts";

const ROUNDS = 9;

const WORKER = `
import { AsyncLocalStorage } from "node:async_hooks";
const context = new AsyncLocalStorage();
const chain = async (depth) => { if (depth > 0) await chain(depth - 1); };
const ways = { none: () => chain(12), context: () => context.run({}, () => chain(12)) };
export default {
  async fetch(request) {
    const way = ways[new URL(request.url).pathname.slice(1)];
    const startedAt = performance.now();
    for (let i = 0; i < 20_000; i++) await way();
    return Response.json((performance.now() - startedAt) / 20);
  },
};`;

const centre = await startDataCentre(WORKER, { isolates: 1, bindings: {}, objects: false });
const times = { none: [] as number[], context: [] as number[] };
const names = Object.keys(times) as (keyof typeof times)[];
const ask = async (name: string): Promise<number> =>
  (await (await fetch(`${centre.urls[0]}/${name}`)).json()) as number;
for (const name of names) await ask(name);
for (let i = 0; i < ROUNDS; i++) for (const name of names) times[name].push(await ask(name));

const rows = names.map((name) => ({
  context: name === "none" ? "none" : "AsyncLocalStorage",
  "µs a chain": median(times[name]).toFixed(2),
  "of none": (median(times[name]) / median(times.none)).toFixed(1),
}));
show("Twelve awaits in workerd", rows);
save("async-context", rows);
await centre.close();
