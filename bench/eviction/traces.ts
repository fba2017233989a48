/** Sequences of keys that caches are tried with. Seeded: each is the same every time. */
import { createDice } from "../support/dice.ts";
import { createZipf } from "../support/zipf.ts";

export interface Trace {
  readonly name: string;
  readonly what: string;
  readonly keys: Int32Array;
  /** Sizes of the cache, in entries, at which the trace is tried. */
  readonly capacities: readonly number[];
}

export interface TraceOptions {
  readonly requests: number;
  readonly seed: number;
}

const KEYS = 20_000;
const EXPONENT = 0.99;
const CAPACITIES = [200, 1_000, 4_000];

/** Requests between two scans, and the keys of one scan, each asked for once. */
const SCAN_EVERY = 8_000;
const SCAN_LENGTH = 2_000;
/** A loop is as much longer than the cache as makes an LRU cache miss every time. */
const LOOP = 1_250;
/** Requests until every key has moved up by one rank, and the most popular has become the least. */
const SHIFT_EVERY = 1_000;
/** The same, ten times as fast. */
const DRIFT_EVERY = 100;
/** Requests between two upheavals: all keys are dealt new ranks. */
const UPHEAVAL_EVERY = 20_000;

function zipf({ requests, seed }: TraceOptions): Int32Array {
  const draw = createZipf(KEYS, EXPONENT, createDice(seed));
  return Int32Array.from({ length: requests }, draw);
}

function scan({ requests, seed }: TraceOptions): Int32Array {
  const draw = createZipf(KEYS, EXPONENT, createDice(seed));
  let next = KEYS;
  return Int32Array.from({ length: requests }, (_, at) =>
    at % SCAN_EVERY >= SCAN_EVERY - SCAN_LENGTH ? next++ : draw(),
  );
}

function loop({ requests }: TraceOptions): Int32Array {
  return Int32Array.from({ length: requests }, (_, at) => at % LOOP);
}

function shifting({ requests, seed }: TraceOptions, every: number): Int32Array {
  const draw = createZipf(KEYS, EXPONENT, createDice(seed));
  return Int32Array.from({ length: requests }, (_, at) => (draw() + Math.floor(at / every)) % KEYS);
}

function upheaval({ requests, seed }: TraceOptions): Int32Array {
  const draw = createZipf(KEYS, EXPONENT, createDice(seed));
  const dice = createDice(seed + 1);
  const keyOf = Int32Array.from({ length: KEYS }, (_, rank) => rank);
  return Int32Array.from({ length: requests }, (_, at) => {
    if (at > 0 && at % UPHEAVAL_EVERY === 0) shuffle(keyOf, dice);
    return keyOf[draw()] ?? 0;
  });
}

function shuffle(keys: Int32Array, dice: () => number): void {
  for (let last = keys.length - 1; last > 0; last--) {
    const other = Math.floor(dice() * (last + 1));
    const key = keys[last] ?? 0;
    keys[last] = keys[other] ?? 0;
    keys[other] = key;
  }
}

export function createTraces(options: TraceOptions): readonly Trace[] {
  return [
    {
      name: "zipf",
      what: `Zipf ${EXPONENT} over ${KEYS} keys`,
      keys: zipf(options),
      capacities: CAPACITIES,
    },
    {
      name: "scan",
      what: `as zipf, and every ${SCAN_EVERY} requests a scan of ${SCAN_LENGTH} new keys`,
      keys: scan(options),
      capacities: CAPACITIES,
    },
    {
      name: "shifting",
      what: `as zipf, and every ${SHIFT_EVERY} requests each key becomes a little more popular but the first`,
      keys: shifting(options, SHIFT_EVERY),
      capacities: CAPACITIES,
    },
    {
      name: "drift",
      what: `shifting, but every ${DRIFT_EVERY} requests`,
      keys: shifting(options, DRIFT_EVERY),
      capacities: CAPACITIES,
    },
    {
      name: "upheaval",
      what: `as zipf, and every ${UPHEAVAL_EVERY} requests all at once others are popular`,
      keys: upheaval(options),
      capacities: CAPACITIES,
    },
    {
      name: "loop",
      what: `${LOOP} keys, one after the other, again and again`,
      keys: loop(options),
      capacities: [200, 1_000],
    },
  ];
}
