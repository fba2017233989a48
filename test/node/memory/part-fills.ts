/**
 * A Worker that fills each part of an isolate that grows with keys, clients or writes with more, and
 * with longer names, than the part may keep.
 */
import { createRecordings } from "../../../src/answers/recordings.ts";
import { addKey, createBloom } from "../../../src/core/bloom.ts";
import { createBoundedMap } from "../../../src/core/bounded-map.ts";
import { fault } from "../../../src/core/faults.ts";
import type { InvalidationKey } from "../../../src/core/invalidation-key.ts";
import { createDeferrals } from "../../../src/core/log-deferrals.ts";
import { applyAnswer, markInvalidated, noteNumbers } from "../../../src/core/log.ts";
import { createLogView } from "../../../src/core/log-view.ts";
import { createFlights } from "../../../src/durable/flights.ts";
import { createHitForMiss } from "../../../src/engine/hit-for-miss.ts";
import { createLoadBackoff } from "../../../src/engine/load-backoff.ts";
import { createFillMarkers } from "../../../src/http/proxy/fill-markers.ts";
import { createTargets } from "../../../src/http/proxy/target.ts";
import { createAccountTable } from "../../../src/ratelimit/account-table.ts";
import { emptyBucket } from "../../../src/ratelimit/bucket.ts";
import { createKeyNotes } from "../../../src/telemetry/key-notes.ts";
import { createMeter, createTopKeys } from "../../../src/telemetry/metrics/meter.ts";
import { createTrafficRecorder } from "../../../src/telemetry/traffic/recorder.ts";
import { createGhosts } from "../../../src/tiers/eviction/ghosts.ts";
import { exportQueue } from "./full-export-queue.ts";
import { holding, type Filled } from "./holding.ts";

let made = 0;

/** A text of a length, which no other text is equal to. Its characters take two bytes. */
function wideText(chars: number, prefix = ""): string {
  const text = (prefix + String(++made)).padEnd(chars, "Ω");
  return JSON.parse(JSON.stringify(text)) as string;
}

/** A key has characters of one byte. */
const longKey = (): string => `product:${String(++made).padStart(504, "0")}`;
const tag = (): InvalidationKey => wideText(258, "t:") as InvalidationKey;
const HOSTILE = 50_000;

function repeat(times: number, call: (at: number) => void): void {
  for (let at = 0; at < times; at++) call(at);
}

const keep = (held: unknown, answer: unknown = null): Filled => ({ held, answer });

function logView(): Filled {
  const view = createLogView();
  applyAnswer(view, {
    sentAt: 1,
    era: "e",
    seq: 1,
    floor: 0,
    since: 0,
    truncated: false,
    changes: [],
  });
  repeat(HOSTILE, (at) => noteNumbers(view, [tag()], 2 + at));
  return keep(view, view.hard.size);
}

/** Redis is away: each write leaves a mark, and some tags are written all the time. */
function marks(): Filled {
  const view = createLogView();
  repeat(HOSTILE, () => markInvalidated(view, [tag()]));
  repeat(HOSTILE, (at) => markInvalidated(view, [`t:${at % 10}`]));
  return keep(view, view.pending.size);
}

const WINDOWS = [1_000, 60_000, 3_600_000].map((widthMs) => ({ limit: 10, widthMs }));

/** Clients with as many addresses as they like, all with a debt that the ledger does not take. */
function accounts(): Filled {
  const table = createAccountTable({ maxAccounts: 10_000, maxOwing: 5_000 });
  repeat(HOSTILE, (at) => {
    const key = `policy-of-the-api:user:${String(at).padStart(64, "0")}`;
    const account = table.get(key, WINDOWS as never, at);
    account.buckets = WINDOWS.map(() => ({ ...emptyBucket(at), current: 1.5 + at }));
    account.refusal = {
      since: at,
      until: at + 1_000.5,
      cost: 1,
      balances: WINDOWS.map(() => ({ remaining: 0, resetMs: 1.5 + at })) as never,
    };
    table.owe(account, 1, at);
    table.markDue(account);
  });
  return keep(table, table.stats().accounts);
}

function keyNotes(): Filled {
  const notes = createKeyNotes({
    now: () => 1_790_000_000_000 + ++made,
    invalidationOf: () => ({ invalidationKey: tag(), at: 1_790_000_000_000 + made }),
  });
  repeat(600, () => {
    const key = longKey();
    const entry = { invalidationKeys: [], asOf: 0, era: "" };
    repeat(8, () =>
      notes.note({ type: "entry.reject", key, tier: "memory", reason: "invalidated", entry }),
    );
  });
  repeat(1_000, () => notes.refuse(`https://shop.test/${"a".repeat(16_000)}${++made}`));
  return keep(notes);
}

function meter(): Filled {
  const filled = createMeter();
  repeat(HOSTILE, (at) =>
    filled.record("http.server.request.duration", at + 0.5, "GET", wideText(200), `${at}`, "https"),
  );
  return keep(filled);
}

function traffic(): Filled {
  const recorder = createTrafficRecorder({ isolate: "i", peek: () => undefined });
  const hot = createTopKeys(128, recorder.markOf);
  const missed = createTopKeys(128);
  repeat(6_000, (at) => {
    const mark = hot.add(longKey());
    missed.add(mark.key);
    recorder.waiting.push({ mark, at, reads: at, memoryMisses: at, misses: at, loaded: true });
    if (recorder.waiting.length >= recorder.maxWaiting) recorder.record();
  });
  return keep([recorder, hot, missed]);
}

async function smallMaps(): Promise<Filled> {
  const markers = createHitForMiss();
  const backoff = createLoadBackoff(() => 0.5);
  const fills = createFillMarkers();
  const addresses = createBoundedMap<string, number>(1_000);
  const deferrals = createDeferrals();
  const targets = createTargets({ origin: new URL("https://origin.test"), prefix: "" });
  repeat(2_000, (at) => {
    const key = longKey();
    markers.add({ key, requestKindOf: () => "private" }, at);
    backoff.failed(key, fault("origin.unavailable", wideText(200)), at, "198.18.0.1");
    fills.add(key, "private", at);
    addresses.set(wideText(64), at);
  });
  repeat(1_000, (at) => deferrals.add([tag()], at));
  for (let at = 0; at < 1_000; at++) await targets(`https://shop.test/${longKey().slice(0, 400)}`);
  return keep([markers, backoff, fills, addresses, deferrals, targets]);
}

function filters(): Filled {
  const seed = [1, 2, 3, 4] as never;
  const filter = createBloom(10_000_000, 0.001, seed);
  addKey(filter, "a");
  return keep(filter, filter.bytes.length);
}

function ghosts(): Filled {
  const filled = createGhosts();
  repeat(HOSTILE, () => filled.add(`${++made}`, 20_000));
  return keep(filled);
}

/** Models that send one character at a time. */
function recordings(): Filled {
  const filled = createRecordings({
    now: () => 1_790_000_000_000,
    newId: () => `${++made}`,
    after: () => () => undefined,
    lingerMs: 2_000,
    waitFor: async () => undefined,
  });
  repeat(64, (at) =>
    filled.join<string, undefined>({
      key: `answer:${at}`,
      position: { asOf: 0, era: "" },
      maxChars: 262_144,
      maxMs: 60_000,
      mayStart: true,
      begin(recording) {
        while (recording.add(wideText(1), 1));
        return new Promise(() => undefined);
      },
    }),
  );
  return keep(filled, filled.size);
}

function flights(): Filled {
  const filled = createFlights({
    now: () => made,
    newId: () => crypto.randomUUID(),
    after: () => () => undefined,
    lingerMs: 2_000,
    maxKeptBytes: 4 * 2 ** 20,
  });
  const landed = Array.from({ length: 3_000 }, async () => {
    const key = longKey();
    const answer = await filled.join({ key, waitMs: 1_000, leaseMs: 1_000 });
    if (answer.role !== "leader") throw new Error("a new key has no leader");
    const landing = { kind: "entry", entry: wideText(2_000) } as never;
    filled.land({ key, lease: answer.lease, landing });
  });
  return keep([filled, landed]);
}

export default holding({
  "log view": logView,
  marks,
  accounts,
  "key notes": keyNotes,
  "export queue": () => keep(exportQueue(2_048)),
  meter,
  traffic,
  "small maps": smallMaps,
  "existence filter": filters,
  ghosts,
  recordings,
  flights,
});
