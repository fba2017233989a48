/** A model of the log's primary and replicas: the state of the log at each instant. */
import type { LogAnswer } from "../../src/core/log.ts";
import type { LogKey } from "../../src/core/invalidation-key.ts";

/** The longest lag of a replica. */
export const LAG = 6;

/** The state of the primary from an instant on. */
export interface State {
  readonly at: number;
  readonly era: string | undefined;
  readonly seq: number | undefined;
  readonly floor: number;
  readonly numbers: ReadonlyMap<string, number>;
}

export interface Question {
  readonly sentAt: number;
  readonly since: number;
  /** How many changes one answer has at most. */
  readonly limit: number;
}

export interface Known {
  readonly era: string | undefined;
  readonly seq: number | undefined;
}

export interface Primary {
  state(): State;
  /** The state that answers a question: that of some replica, at some instant since it was sent. */
  stateFor(sentAt: number, die: number): State;
  invalidate(logKeys: readonly LogKey[]): number;
  /** As the script ESTABLISH. */
  establish(known: Known): void;
  trim(die: number): void;
  flush(die: number): void;
  /** Loses the last changes. Returns the instant of the last change that is left. */
  failOver(die: number): number;
}

export function createPrimary(now: () => number): Primary {
  const nothing = { era: undefined, seq: undefined, floor: 0, numbers: new Map<string, number>() };
  let history: State[] = [{ at: 0, ...nothing }];
  let eras = 0;
  /** How far the clock for numbers is behind after a flush. */
  let skew = 0;

  const state = (): State => history.at(-1)!;
  const become = (next: Omit<State, "at">): void => void history.push({ ...next, at: now() });
  const number = (seq: number): number => Math.max(seq + 1, now() * 10 - skew);
  const before = (steps: number): State => history[Math.max(0, history.length - 1 - steps)]!;

  return {
    state,
    stateFor(sentAt, die) {
      const from = Math.max(0, sentAt - LAG);
      const at = from + (die % (now() - from + 1));
      return history.findLast((one) => one.at <= at) ?? history[0]!;
    },
    invalidate(logKeys) {
      const { era = `era-${++eras}`, seq = 0, floor, numbers } = state();
      const next = number(seq);
      const changed = new Map(numbers);
      for (const logKey of logKeys) changed.set(logKey, next);
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
      // The guarantee excludes a new primary whose clock is behind: it would give lost numbers out again.
      skew = 0;
      return back.at;
    },
  };
}

/** The answer of a log in this state. */
export function answerOf(state: State, { sentAt, since, limit }: Question): LogAnswer {
  const changes = [...state.numbers]
    .filter(([, seq]) => seq >= since)
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
