/**
 * Measures what the fields of a response cost in workerd: set one by one on a new response, as `serve` does, or
 * copied from a `Headers` object that exists already. Each way makes the same response of nine fields, of which six
 * change from request to request. Rounds alternate.
 */
import { save, show } from "./support/report.ts";
import { median } from "./support/time.ts";
import { startDataCentre } from "./tiers/runtime.ts";

const ROUNDS = 9;

const WORKER = `
const body = "x".repeat(300);
const constant = [
  ["content-type", "application/json"],
  ["etag", '"hQNC7my7ozDs"'],
  ["cache-control", "max-age=0, must-revalidate"],
];
const own = [
  ["age", "12"],
  ["cache-status", "strata; hit; ttl=3588; detail=memory"],
  ["x-cache-status", "HIT"],
  ["server-timing", "total;dur=0"],
  ["x-response-time", "0ms"],
  ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
];
const all = [...constant, ...own];
const record = Object.fromEntries(all);
const ready = new Headers(constant);
const allReady = new Headers(all);
function setOn(response, fields) {
  const { headers } = response;
  for (const [name, value] of fields) headers.set(name, value);
  return response;
}
let made;
const ways = {
  none: () => (made = new Response(body)),
  set: () => (made = setOn(new Response(body), all)),
  copied: () => (made = setOn(new Response(body, { headers: ready }), own)),
  record: () => (made = new Response(body, { headers: record })),
  allCopied: () => (made = new Response(body, { headers: allReady })),
};
export default {
  async fetch(request) {
    const way = ways[new URL(request.url).pathname.slice(1)];
    for (let i = 0; i < 20_000; i++) way();
    return new Response();
  },
};`;

const SHOWN = {
  none: "no fields",
  set: "nine fields set one by one",
  copied: "three copied from a Headers object, six set",
  record: "nine given as an object",
  allCopied: "nine copied from a Headers object, so that none could change",
};
type Way = keyof typeof SHOWN;
const names = Object.keys(SHOWN) as Way[];

const centre = await startDataCentre(WORKER, { isolates: 1, bindings: {}, objects: false });
const times = Object.fromEntries(names.map((name) => [name, [] as number[]]));
// The clock of a Worker may stand still while it computes, so the bench measures the whole request.
async function ask(name: Way): Promise<number> {
  const startedAt = performance.now();
  await (await fetch(`${centre.urls[0]}/${name}`)).arrayBuffer();
  return (performance.now() - startedAt) / 20;
}
for (const name of names) await ask(name);
for (let i = 0; i < ROUNDS; i++) for (const name of names) times[name]!.push(await ask(name));

const rows = names.map((name) => ({
  fields: SHOWN[name],
  "µs a response": median(times[name]!).toFixed(1),
  "of nine set": (median(times[name]!) / median(times["set"]!)).toFixed(2),
}));
show("A response in workerd, not sent", rows);
save("response-fields", rows);
await centre.close();
