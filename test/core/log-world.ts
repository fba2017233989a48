/**
 * A whole world around `core/log.ts`: a primary log that can be flushed, renewed, trimmed and set
 * back, replicas that lag, answers that come late, twice and in any order, and several isolates.
 * It keeps the full truth beside it, by which every verdict of an isolate can be checked.
 */
import type { Entry } from "../../src/core/entry.ts";
import {
  applyAnswer,
  createLogView,
  judge,
  judgeByNumbers,
  markDead,
  noteNumbers,
  type LogAnswer,
  type LogView,
  type Verdict,
} from "../../src/core/log.ts";
import { verifiedCopy } from "../../src/core/entry.ts";
import { SOFT, type HardMember, type Member } from "../../src/core/tag.ts";
import { entryOf, taggedMembers } from "../support/entries.ts";

/** How far replicas lag at most. */
export const LAG = 6;
const TAGS = ["a", "b", "c"];

export interface Step {
  readonly do:
    | "load"
    | "ask"
    | "answer"
    | "establish"
    | "verify"
    | "invalidate"
    | "mark"
    | "trim"
    | "flush"
    | "renew"
    | "failover"
    | "pass";
  /** Dice for whatever the step must choose. */
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** One state of the primary's log, from an instant on. */
interface State {
  readonly at: number;
  readonly era: string | undefined;
  readonly seq: number | undefined;
  readonly floor: number;
  readonly numbers: ReadonlyMap<string, number>;
}

/** An acknowledged invalidation. */
interface Purge {
  readonly at: number;
  readonly member: Member;
}

interface Item {
  readonly entry: Entry;
  /** When its load began: it may hold what was true then. */
  readonly readAt: number;
  /** Until then, soft invalidations are part of it. */
  readonly softUntil: number;
}

/** What an isolate has marked dead by itself. */
interface Mark {
  readonly member: HardMember;
  readonly seen: number;
  readonly era: string;
}

interface Question {
  readonly isolate: number;
  readonly sentAt: number;
  readonly since: number | undefined;
  readonly limit: number;
}

export interface World {
  run(step: Step): void;
  /** Verdicts that the truth does not allow, in words. */
  violations(): string[];
  /** Everything is delivered; then a value is loaded and judged. */
  calm(): Verdict[];
  readonly seen: ReadonlySet<string>;
}

export function createWorld(isolates: number): World {
  const seen = new Set<string>();
  const views = Array.from({ length: isolates }, createLogView);
  const marks = views.map((): Mark[] => []);
  let history: State[] = [{ at: 0, era: undefined, seq: undefined, floor: 0, numbers: new Map() }];
  let purges: Purge[] = [];
  let items: Item[] = [];
  let questions: Question[] = [];
  const found: string[] = [];
  let now = 1;
  let eras = 0;
  /** The clock of the primary, against which numbers are made, may be behind after a loss. */
  let skew = 0;

  const primary = (): State => history.at(-1)!;
  const become = (state: Omit<State, "at">): void => void history.push({ ...state, at: now });
  const stateAt = (at: number): State => history.findLast((state) => state.at <= at) ?? history[0]!;
  /** What a question sent at `sentAt` meets: some replica, some time until now. */
  const met = (sentAt: number, die: number): State => {
    const from = Math.max(0, sentAt - LAG);
    return stateAt(from + (die % (now - from + 1)));
  };
  const number = (seq: number): number => Math.max(seq + 1, now * 10 - skew);

  function answerOf(state: State, { sentAt, since, limit }: Omit<Question, "isolate">): LogAnswer {
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

  function invalidate(members: readonly Member[]): number {
    const { era = `era-${++eras}`, seq = 0, floor, numbers } = primary();
    const next = number(seq);
    const changed = new Map(numbers);
    for (const member of members) {
      changed.set(member, next);
      purges.push({ at: now, member });
    }
    become({ era, seq: next, floor, numbers: changed });
    return next;
  }

  /** The create-if-absent script, on the primary. */
  function establish(isolate: number): void {
    const view = views[isolate]!;
    const known = view.era === undefined ? undefined : view.seen;
    const { era, seq = 0, floor, numbers } = primary();
    const lost = era !== undefined && era === view.era && seq < (known ?? 0);
    if (era === undefined || seq === 0 || lost) {
      const next = Math.max(number(seq), (known ?? 0) + 1);
      become({ era: `era-${++eras}`, seq: next, floor: lost ? 0 : floor, numbers });
    }
    apply(isolate, answerOf(primary(), { sentAt: now, since: known, limit: 4 }));
  }

  function apply(isolate: number, answer: LogAnswer): void {
    const outcome = applyAnswer(views[isolate]!, answer);
    seen.add(outcome);
    // A mark is for the life of the log in which it was made.
    if (outcome === "renewed") marks[isolate] = [];
    if (answer.truncated && outcome === "applied") seen.add("truncated");
  }

  function isStale(item: Item, until: number, soft: boolean): boolean {
    const since = soft ? Math.max(item.readAt, item.softUntil) : item.readAt;
    return purges.some(
      ({ at, member }) =>
        at > since &&
        at <= until &&
        member.startsWith(SOFT) === soft &&
        item.entry.members.includes((soft ? member.slice(SOFT.length) : member) as HardMember),
    );
  }

  function check(verdict: Verdict, item: Item, until: number, who: string): void {
    seen.add(verdict);
    if (verdict !== "valid" && verdict !== "soft") return;
    if (isStale(item, until, false)) found.push(`${who} takes for ${verdict} what was purged`);
    if (verdict === "valid" && isStale(item, until, true))
      found.push(`${who} takes for fresh what was softly purged`);
  }

  function verify(item: Item, view: LogView, die: number): void {
    const state = met(now, die);
    const log = answerOf(state, { sentAt: now, since: undefined, limit: 4 });
    // The engine asks the primary first where an entry knows more than the log beside it.
    if (log.era === item.entry.era && item.entry.asOf > (log.seq ?? 0)) return;
    const highest = (prefix: string): number =>
      Math.max(0, ...item.entry.members.map((name) => state.numbers.get(prefix + name) ?? 0));
    const verdict = judgeByNumbers(item.entry, { hard: highest(""), soft: highest(SOFT) }, log);
    check(verdict, item, now - LAG, "a verification");
    if (judge(view, item.entry) === "invalidated") return;
    if (verdict !== "valid" && verdict !== "soft") return;
    const soft = verdict === "soft";
    const entry = verifiedCopy(item.entry, log.seq ?? 0, soft, now);
    items.push({ ...item, entry, softUntil: soft ? now : item.softUntil });
  }

  function judgeAll(): void {
    for (const [isolate, view] of views.entries()) {
      for (const item of items) {
        const verdict = judge(view, item.entry);
        check(verdict, item, view.stamp - LAG, `isolate ${isolate}`);
        const dead = marks[isolate]!.some(
          (mark) =>
            item.entry.asOf <= mark.seen &&
            item.entry.era === mark.era &&
            item.entry.members.includes(mark.member),
        );
        if (dead && (verdict === "valid" || verdict === "soft"))
          found.push(`isolate ${isolate} takes for ${verdict} what it has marked dead`);
      }
    }
  }

  const steps: Record<Step["do"], (step: Step, isolate: number) => void> = {
    load: ({ b, c }, isolate) => {
      const tags = TAGS.filter((_, bit) => (b >> bit) & 1);
      const { era = "", seen: asOf } = views[isolate]!;
      const key = `k:${c % 2}`;
      const entry = entryOf({ key, members: taggedMembers(key, ...tags), era, asOf });
      items = [...items.slice(-11), { entry, readAt: now, softUntil: 0 }];
    },
    ask: ({ b, c }, isolate) => {
      const view = views[isolate]!;
      const since = view.era === undefined || b % 5 === 0 ? undefined : view.seen;
      questions.push({ isolate, sentAt: now, since, limit: 1 + (c % 4) });
    },
    answer: ({ a, b, c }) => {
      const at = a % Math.max(1, questions.length);
      const question = questions[at];
      if (question === undefined) return;
      // Every third answer comes twice.
      if (c % 3 !== 0) questions = questions.filter((_, i) => i !== at);
      apply(question.isolate, answerOf(met(question.sentAt, b), question));
    },
    establish: (_, isolate) => establish(isolate),
    verify: ({ b, c }, isolate) => {
      const item = items[b % Math.max(1, items.length)];
      if (item !== undefined) verify(item, views[isolate]!, c);
    },
    invalidate: ({ b, c }, isolate) => {
      const names: HardMember[] = ["t:a", "t:b", "t:c", "k:k:0", "n:", "t:d", "t:e"];
      const hard = names.filter((_, bit) => (b >> bit) & 1);
      const members = c % 4 === 0 ? hard.map((name): Member => `${SOFT}${name}`) : hard;
      const seq = invalidate(members);
      if (c % 2 === 0 && views[isolate]!.era === primary().era)
        noteNumbers(views[isolate]!, members, seq);
    },
    mark: ({ b }, isolate) => {
      const view = views[isolate]!;
      if (view.era === undefined) return;
      const member: HardMember = `t:${TAGS[b % TAGS.length]!}`;
      markDead(view, [member]);
      marks[isolate]!.push({ member, seen: view.seen, era: view.era });
    },
    trim: ({ b }) => {
      const { era, seq, floor, numbers } = primary();
      const old = history[Math.max(0, history.length - 1 - (b % 6))]!;
      if (seq === undefined || old.era !== era || (old.seq ?? 0) <= floor) return;
      const cut = old.seq ?? 0;
      const kept = new Map([...numbers].filter(([, value]) => value > cut));
      become({ era, seq, floor: cut, numbers: kept });
    },
    flush: ({ b }) => {
      skew = b % 4 === 0 ? b : 0;
      become({ era: undefined, seq: undefined, floor: 0, numbers: new Map() });
    },
    renew: (step, isolate) => {
      steps.flush(step, isolate);
      invalidate([]);
    },
    failover: ({ b }) => {
      const back = history[Math.max(0, history.length - 1 - (b % 4))]!;
      // What was acknowledged since then is lost; its outbox repeats it later.
      purges = purges.filter(({ at }) => at <= back.at);
      history = history.filter(({ at }) => at <= back.at);
      become(back);
      // Outside the guarantee: a new primary whose clock is behind gives lost numbers out again.
      skew = 0;
    },
    pass: ({ b }) => {
      now += b % (2 * LAG);
    },
  };

  return {
    seen,
    run(step) {
      now++;
      steps[step.do](step, step.a % isolates);
      judgeAll();
    },
    violations: () => found,
    calm() {
      now += 3 * LAG;
      // A number that a fail-over has lost counts until the log is past it.
      invalidate(["t:elsewhere"]);
      return views.map((view, isolate) => {
        // As the engine does: ask; where the answer cannot be taken, ask the primary.
        const since = view.era === undefined ? undefined : view.seen;
        const outcome = applyAnswer(
          view,
          answerOf(primary(), { sentAt: now, since, limit: 1_000 }),
        );
        if (outcome === "lost" || outcome === "behind") establish(isolate);
        judgeAll();
        now++;
        const { era = "", seen: asOf } = view;
        return judge(view, entryOf({ era, asOf }));
      });
    },
  };
}
