/**
 * A model of Redis: a primary, a replica that lags, and a network that delays, reorders and loses
 * requests. It behaves as src/redis/scripts.ts, which test/redis runs on real servers.
 */
import { decodeEntry, encodeEntry } from "../../src/core/codec.ts";
import type { Entry } from "../../src/core/entry.ts";
import type { FilterStore } from "../../src/core/existence-filter.ts";
import { done, failed } from "../../src/core/faults.ts";
import { MAX_CHANGES, type LogAnswer } from "../../src/core/log.ts";
import type { HighestNumbers } from "../../src/core/log-verdict.ts";
import type { Context } from "../../src/core/context.ts";
import type { Result } from "../../src/core/result.ts";
import type { SharedStore, Verified } from "../../src/core/shared-store.ts";
import type { Seq } from "../../src/core/seq.ts";
import { SOFT, UNCONFIRMED, type LogKey } from "../../src/core/invalidation-key.ts";
import type { PlantedFault } from "./faults.ts";
import type { Limits } from "./limits.ts";
import type { VirtualTime } from "./virtual-time.ts";

interface State {
  readonly entries: Map<string, { text: string; until: number }>;
  readonly numbers: Map<string, Seq>;
  readonly marks: { at: number; seq: Seq }[];
  era: string | undefined;
  seq: Seq | undefined;
  floor: Seq;
}

type Operation = (state: State) => void;

export interface RedisModel {
  readonly store: SharedStore;
  readonly filters: FilterStore;
  /** The newest number on the primary. */
  head(): Seq;
  /** Whether single requests may be lost without an outage. */
  lossy: boolean;
  /** Whether every request fails at once, or hangs until its deadline. */
  outage: "none" | "refused" | "hanging";
  /** Deletes everything on all nodes. */
  flush(): void;
  /** Makes the replica the primary. Changes that have not reached it are lost. */
  failOver(): void;
  /** Removes the numbers that are older than `keepMs`, and the oldest above the cap of log keys. */
  trim(keepMs: number): void;
  /** Gives so many other log keys a number each, at once. */
  storm(names: number): void;
}

export interface RedisModelOptions {
  readonly time: VirtualTime;
  /** The longest lag of the replica. */
  readonly lagMs: number;
  readonly timeoutMs: number;
  readonly limits: Limits;
  readonly fault: PlantedFault;
}

export function createRedisModel(options: RedisModelOptions): RedisModel {
  const { time, lagMs, timeoutMs, limits, fault } = options;
  let primary = createState();
  let replica = createState();
  /** Changes when a fail-over drops the operations that have not reached the replica. */
  let generation = 0;
  let lastArrival = 0;

  function change(operation: Operation): void {
    operation(primary);
    const mine = generation;
    lastArrival = Math.max(lastArrival, time.now() + time.random() * lagMs);
    time.after(lastArrival - time.now(), () => {
      if (mine === generation) operation(replica);
    });
  }

  const model: RedisModel = {
    outage: "none",
    lossy: true,
    head: () => primary.seq ?? 0,
    flush: () =>
      change((state) => {
        state.entries.clear();
        state.numbers.clear();
        state.marks.length = 0;
        state.era = undefined;
        state.seq = undefined;
        state.floor = 0;
      }),
    failOver() {
      generation++;
      primary = copyOf(replica);
    },
    storm: (names) =>
      change((state) => {
        if (state.seq === undefined) return;
        for (let i = 0; i < names; i++) state.numbers.set(`t:storm-${i}`, ++state.seq);
      }),
    trim(keepMs) {
      const now = time.now();
      change((state) => {
        if (state.seq === undefined) return;
        if (!state.marks.some((mark) => mark.seq === state.seq))
          state.marks.push({ at: now, seq: state.seq });
        const marked = state.marks.findLast((mark) => mark.at <= now - keepMs)?.seq ?? 0;
        const spare = state.numbers.size - limits.logKeys;
        const newest = spare > 0 ? [...state.numbers.values()].toSorted((a, b) => a - b) : [];
        const old = Math.max(marked, newest[spare - 1] ?? 0);
        if (old <= state.floor) return;
        for (const [logKey, seq] of state.numbers) if (seq <= old) state.numbers.delete(logKey);
        if (fault !== "cap-without-floor" || marked === old) state.floor = old;
      });
    },
    store: {
      read: (keys, since, ctx) =>
        call(ctx, (sentAt) => {
          const state = reader();
          const found = keys.map((key): Verified | undefined => {
            const stored = state.entries.get(key);
            if (stored === undefined || stored.until <= time.now()) return undefined;
            const entry = decodeEntry(key, stored.text);
            return entry && { entry, ...highest(state, entry.invalidationKeys) };
          });
          return { found, log: logOf(state, since, sentAt, limits.page) };
        }),
      verify: (entries, since, ctx) =>
        call(ctx, (sentAt) => {
          const state = reader();
          return {
            numbers: entries.map((keys) => highest(state, keys)),
            log: logOf(state, since, sentAt, limits.page),
          };
        }),
      sync: (since, limit, ctx) =>
        call(ctx, (sentAt) =>
          logOf(reader(), since, sentAt, limit <= MAX_CHANGES ? limits.page : limits.pages),
        ),
      establish: (known, ctx) =>
        call(ctx, (sentAt) => {
          const { era, seq } = primary;
          const lost = era !== undefined && era === known.era && (seq ?? 0) < (known.seq ?? 0);
          if (era === undefined || seq === undefined || lost) {
            const next = Math.max((seq ?? 0) + 1, (known.seq ?? 0) + 1, micros());
            const name = time.newId();
            change((state) => {
              state.era = name;
              state.seq = next;
              state.floor = 0;
            });
          }
          return logOf(primary, era === known.era ? known.seq : 0, sentAt, limits.page);
        }),
      write: (entries, ctx) =>
        call(ctx, () => {
          const texts = entries.map((entry): [Entry, string] => [entry, encodeEntry(entry)]);
          change((state) => {
            for (const [entry, text] of texts)
              state.entries.set(entry.key, { text, until: entry.deleteAt });
          });
          return { keys: new Set(entries.map(({ key }) => key)), requests: 1 };
        }),
      delete: (keys, ctx) =>
        call(ctx, () =>
          change((state) => {
            for (const key of keys) state.entries.delete(key);
          }),
        ),
      invalidate: (logKeys, watched, ctx) =>
        call(ctx, () => {
          const seq = Math.max((primary.seq ?? 0) + 1, micros());
          const era = primary.era ?? time.newId();
          const previous = Math.max(primary.floor, highest(primary, [...logKeys, ...watched]).hard);
          change((state) => {
            state.era ??= era;
            state.seq = seq;
            for (const logKey of logKeys) state.numbers.set(logKey, seq);
          });
          return { seq, era, previous };
        }),
      numbers: (logKeys, ctx) =>
        call(ctx, () => logKeys.map((logKey) => primary.numbers.get(logKey) ?? 0)),
      trim: () => Promise.resolve(done(0)),
    },
    filters: {
      load: (kind, ctx) => call(ctx, () => reader().entries.get(filterKey(kind))?.text),
      save: (kind, text, ttlMs, ctx) =>
        call(ctx, () =>
          change((state) => {
            state.entries.set(filterKey(kind), { text, until: time.now() + ttlMs });
          }),
        ),
      claim: (kind, forMs, ctx) =>
        call(ctx, () => {
          const name = `${filterKey(kind)}:claim`;
          const held = primary.entries.get(name);
          if (held !== undefined && held.until > time.now()) return false;
          change((state) => {
            state.entries.set(name, { text: "1", until: time.now() + forMs });
          });
          return true;
        }),
    },
  };

  const filterKey = (kind: string): string => `exists:${kind}`;

  const micros = (): number => time.now() * 1000;
  const reader = (): State => (time.random() < 0.5 ? primary : replica);

  /** One request. It takes time both ways and may be lost before or after it is executed. */
  async function call<T>(ctx: Context, execute: (sentAt: number) => T): Promise<Result<T>> {
    const sentAt = ctx.now();
    const startedAt = time.now();
    const { outage } = model;
    const fate = model.lossy ? time.random() : 1;
    if (outage === "refused") return failed("redis.unavailable", "refused");
    if (outage === "hanging" || fate < 0.01) {
      await time.sleep(timeoutMs);
      return failed("redis.timeout", "no answer");
    }
    await time.sleep(transit());
    const value = execute(sentAt);
    if (fate < 0.02) {
      await time.sleep(timeoutMs - (time.now() - startedAt));
      return failed("redis.timeout", "no answer after execution");
    }
    await time.sleep(transit());
    return done(value);
  }

  /** The time one way: short for seven in ten, long for the others, since slow requests find faults. */
  function transit(): number {
    return time.random() < 0.7 ? time.random() * 30 : time.random() * (timeoutMs / 2 - 20);
  }

  return model;
}

function createState(): State {
  return {
    entries: new Map(),
    numbers: new Map(),
    marks: [],
    era: undefined,
    seq: undefined,
    floor: 0,
  };
}

function copyOf(state: State): State {
  return {
    ...state,
    entries: new Map(state.entries),
    numbers: new Map(state.numbers),
    marks: [...state.marks],
  };
}

function highest(state: State, logKeys: readonly LogKey[]): HighestNumbers {
  let hard = 0;
  let soft = 0;
  let unconfirmed = 0;
  for (const logKey of logKeys) {
    hard = Math.max(hard, state.numbers.get(logKey) ?? 0);
    soft = Math.max(soft, state.numbers.get(`${SOFT}${logKey}`) ?? 0);
    unconfirmed = Math.max(unconfirmed, state.numbers.get(`${UNCONFIRMED}${logKey}`) ?? 0);
  }
  return { hard, soft, unconfirmed };
}

function logOf(state: State, since: Seq, sentAt: number, limit: number): LogAnswer {
  const changes =
    state.era === undefined
      ? []
      : [...state.numbers].filter(([, seq]) => seq >= since).toSorted(([, a], [, b]) => b - a);
  return {
    sentAt,
    era: state.era,
    seq: state.seq,
    floor: state.floor,
    since,
    truncated: changes.length >= limit,
    changes: changes.slice(0, limit),
  };
}
