/** The traces: sequences of keys, generated from a seed and therefore the same in every run. */
import { createDice } from "../support/dice.ts";
import { createZipf } from "../support/zipf.ts";

export interface Trace {
  readonly name: string;
  readonly description: string;
  readonly keys: Int32Array;
  /** Cache sizes, in entries, for this trace. */
  readonly capacities: readonly number[];
}

export interface TraceOptions {
  readonly requests: number;
  readonly seed: number;
}

const KEYS = 20_000;
const EXPONENT = 0.99;
const CAPACITIES = [200, 1_000, 4_000];

/**
 * Number of requests between two scans, and number of keys in one scan. A scan asks for each key
 * once.
 */
const SCAN_EVERY = 8_000;
const SCAN_LENGTH = 2_000;
/** Number of keys in the loop: enough that an LRU cache misses every time. */
const LOOP = 1_250;
/**
 * Number of requests after which every key moves up by one rank, and the most popular key becomes
 * the least popular.
 */
const SHIFT_EVERY = 1_000;
/** The same for the drift, ten times as fast. */
const DRIFT_EVERY = 100;
/** Number of requests between two upheavals. An upheaval gives all keys new ranks. */
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
      description: `Zipf ${EXPONENT} over ${KEYS} keys`,
      keys: zipf(options),
      capacities: CAPACITIES,
    },
    {
      name: "scan",
      description: `as zipf, and every ${SCAN_EVERY} requests a scan of ${SCAN_LENGTH} new keys`,
      keys: scan(options),
      capacities: CAPACITIES,
    },
    {
      name: "shifting",
      description: `as zipf, and every ${SHIFT_EVERY} requests each key takes the rank above its own`,
      keys: shifting(options, SHIFT_EVERY),
      capacities: CAPACITIES,
    },
    {
      name: "drift",
      description: `shifting, but every ${DRIFT_EVERY} requests`,
      keys: shifting(options, DRIFT_EVERY),
      capacities: CAPACITIES,
    },
    {
      name: "upheaval",
      description: `as zipf, and every ${UPHEAVAL_EVERY} requests all keys get new ranks`,
      keys: upheaval(options),
      capacities: CAPACITIES,
    },
    {
      name: "loop",
      description: `${LOOP} keys in turn, repeated`,
      keys: loop(options),
      capacities: [200, 1_000],
    },
  ];
}
