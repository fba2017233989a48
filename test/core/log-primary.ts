/** The log's primary and its replicas, as a state for each instant: the truth of `log-world.ts`. */
import type { LogAnswer } from "../../src/core/log.ts";
import type { LogKey } from "../../src/core/invalidation-key.ts";

/** How far replicas lag at most. */
export const LAG = 6;

/** One state of the primary's log, from an instant on. */
export interface State {
  readonly at: number;
  readonly era: string | undefined;
  readonly seq: number | undefined;
  readonly floor: number;
  readonly numbers: ReadonlyMap<string, number>;
}

export interface Question {
  readonly sentAt: number;
  readonly since: number | undefined;
  /** Changes that one answer carries at most. */
  readonly limit: number;
}

export interface Known {
  readonly era: string | undefined;
  readonly seq: number | undefined;
}

export interface Primary {
  state(): State;
  /** What a question sent at `sentAt` meets: some replica, some time until now. */
  met(sentAt: number, die: number): State;
  invalidate(members: readonly LogKey[]): number;
  /** The create-if-absent script. */
  establish(known: Known): void;
  trim(die: number): void;
  flush(die: number): void;
  /** Loses the last changes. Returns the instant up to which everything is still known. */
  failOver(die: number): number;
}

export function createPrimary(now: () => number): Primary {
  const nothing = { era: undefined, seq: undefined, floor: 0, numbers: new Map<string, number>() };
  let history: State[] = [{ at: 0, ...nothing }];
  let eras = 0;
  /** The clock against which numbers are made may be behind after a loss. */
  let skew = 0;

  const state = (): State => history.at(-1)!;
  const become = (next: Omit<State, "at">): void => void history.push({ ...next, at: now() });
  const number = (seq: number): number => Math.max(seq + 1, now() * 10 - skew);
  const before = (steps: number): State => history[Math.max(0, history.length - 1 - steps)]!;

  return {
    state,
    met(sentAt, die) {
      const from = Math.max(0, sentAt - LAG);
      const at = from + (die % (now() - from + 1));
      return history.findLast((one) => one.at <= at) ?? history[0]!;
    },
    invalidate(members) {
      const { era = `era-${++eras}`, seq = 0, floor, numbers } = state();
      const next = number(seq);
      const changed = new Map(numbers);
      for (const member of members) changed.set(member, next);
      become({ era, seq: next, floor, numbers: changed });
      return next;
    },
    establish(known) {
      const { era, seq = 0, floor, numbers } = state();
      const lost = era !== undefined && era === known.era && seq < (known.seq ?? 0);
      if (era !== undefined && seq > 0 && !lost) return;
      const next = Math.max(number(seq), (known.seq ?? 0) + 1);
      become({ era: `era-${++eras}`, seq: next, floor: lost ? 0 : floor, numbers });
    },
    trim(die) {
      const { era, seq, floor, numbers } = state();
      const old = before(die % 6);
      if (seq === undefined || old.era !== era || (old.seq ?? 0) <= floor) return;
      const cut = old.seq ?? 0;
      const kept = new Map([...numbers].filter(([, value]) => value > cut));
      become({ era, seq, floor: cut, numbers: kept });
    },
    flush(die) {
      skew = die % 4 === 0 ? die : 0;
      become(nothing);
    },
    failOver(die) {
      const back = before(die % 4);
      history = history.filter(({ at }) => at <= back.at);
      become(back);
      // Outside the guarantee: a new primary whose clock is behind gives lost numbers out again.
      skew = 0;
      return back.at;
    },
  };
}

/** What a log in this state answers. */
export function answerOf(state: State, { sentAt, since, limit }: Question): LogAnswer {
  const changes = [...state.numbers]
    .filter(([, seq]) => since !== undefined && seq >= since)
    .toSorted(([, one], [, other]) => other - one);
  const { era, seq, floor } = state;
  return {
    sentAt,
    era,
    seq,
    floor,
    since,
    truncated: changes.length >= limit,
    changes: changes.slice(0, limit),
  };
}
