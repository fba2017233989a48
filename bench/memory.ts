/**
 * Measures whether the heap of an isolate grows under a long load of the proxy: 200,000 small
 * resources in turn, and among them bodies of 1 MiB. Each sample is taken after full garbage
 * collections. SECONDS is the duration, EVERY the seconds between two samples. It reads /proc, so it
 * needs Linux. It fails if the heap still grows after the memory tier is full.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { ask } from "./floods/clients.ts";
import { resource, startOrigin } from "./floods/origin.ts";
import { startOnOwnPort } from "./floods/subjects.ts";
import { save, show, type Row } from "./support/report.ts";
import { median } from "./support/time.ts";

const SECONDS = Number(process.env["SECONDS"] ?? 300);
const EVERY = Number(process.env["EVERY"] ?? 30);
const KEYS = 200_000;
const LARGE_KEYS = 2_000;
/** One request of so many is for a body of 1 MiB. */
const LARGE_EVERY = 50;
const SMALL_BYTES = 4_000;
const CLIENTS = 16;
const MIB = 2 ** 20;
/** The platform's limit. */
const LIMIT_BYTES = 128_000_000;
/** The memory tier is full after so many requests. */
const FILLING = 10_000;
/** A heap that grew by more than this share is said to grow. */
const GROWTH = 0.1;

const origin = await startOrigin();
const subject = await startOnOwnPort(join(import.meta.dirname, ".."), origin.url);
const startedAt = performance.now();
const elapsed = (): number => (performance.now() - startedAt) / 1_000;
let sent = 0;
let failed = 0;

function urlOf(request: number): string {
  const isLarge = request % LARGE_EVERY === 0;
  const path = isLarge
    ? `/large/${(request / LARGE_EVERY) % LARGE_KEYS}`
    : `/small/${request % KEYS}`;
  const answering = { control: "max-age=3600", bytes: isLarge ? MIB : SMALL_BYTES };
  return `${subject.url}/origin${resource(path, answering)}`;
}

async function client(): Promise<void> {
  while (elapsed() < SECONDS) {
    const { status } = await ask(urlOf(sent++));
    if (status !== 200) failed++;
  }
}

const samples: { readonly live: number; readonly requests: number; readonly row: Row }[] = [];
async function sample(): Promise<void> {
  const live = (await subject.liveBytes()) ?? Number.NaN;
  const row = {
    seconds: Math.round(elapsed()),
    requests: sent,
    failed,
    "live MiB": (live / MIB).toFixed(1),
    "resident MiB": Math.round(subject.residentBytes() / MIB),
  };
  console.log(row);
  samples.push({ live, requests: sent, row });
}

try {
  await sample();
  const load = Promise.all(Array.from({ length: CLIENTS }, client));
  for (let at = EVERY; at < SECONDS; at += EVERY) {
    await sleep(Math.max(0, at - elapsed()) * 1_000);
    await sample();
  }
  await load;
  await sample();
} finally {
  await subject.close();
  await origin.close();
}

const rows = samples.map(({ row }) => row);
const full = samples.filter(({ requests }) => requests >= FILLING).map(({ live }) => live);
const half = Math.ceil(full.length / 2);
const growth = median(full.slice(half)) / median(full.slice(0, half)) - 1;
show(`${KEYS} keys and bodies of 1 MiB through the proxy for ${SECONDS} s`, rows);
save("memory", { seconds: SECONDS, growth, samples: rows });
if (Math.max(...samples.map(({ live }) => live)) > LIMIT_BYTES)
  throw new Error("the heap exceeded the platform's limit");
if (full.length < 4)
  console.log(`\nFewer than ${FILLING} requests and 4 samples after them: no verdict.`);
else if (growth > GROWTH) throw new Error(`the heap grew by ${(growth * 100).toFixed(1)} %`);
else
  console.log(
    `\nAfter ${FILLING} requests: ${(growth * 100).toFixed(1)} % from the first half to the second.`,
  );
