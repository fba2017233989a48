/**
 * A whole world around `core/log.ts`: a primary log that can be flushed, renewed, trimmed and set
 * back, replicas that lag, answers that come late, twice and in any order, and several isolates.
 * It keeps the full truth beside it, by which every verdict of an isolate can be checked.
 */
import { verifiedCopy, type Entry } from "../../src/core/entry.ts";
import {
  applyAnswer,
  createLogView,
  verdictByView,
  verdictByNumbers,
  markInvalidated,
  noteNumbers,
  type LogAnswer,
  type LogView,
  type Verdict,
} from "../../src/core/log.ts";
import { SOFT, type InvalidationKey, type LogKey } from "../../src/core/invalidation-key.ts";
import { entryOf, taggedMembers } from "../support/entries.ts";
import { answerOf, createPrimary, LAG, type Question } from "./log-primary.ts";

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

/** An acknowledged invalidation. */
interface Purge {
  readonly at: number;
  readonly member: LogKey;
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
  readonly member: InvalidationKey;
  readonly seen: number;
  readonly era: string;
}

/** Asked by an isolate, not answered yet. */
interface Asked extends Question {
  readonly isolate: number;
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
  let purges: Purge[] = [];
  let items: Item[] = [];
  let questions: Asked[] = [];
  const found: string[] = [];
  let now = 1;
  const primary = createPrimary(() => now);

  function invalidate(members: readonly LogKey[]): number {
    for (const member of members) purges.push({ at: now, member });
    return primary.invalidate(members);
  }

  /** An isolate asks the primary itself. */
  function establish(isolate: number): void {
    const view = views[isolate]!;
    const seq = view.era === undefined ? undefined : view.seen;
    primary.establish({ era: view.era, seq });
    apply(isolate, answerOf(primary.state(), { sentAt: now, since: seq, limit: 4 }));
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
        item.entry.invalidationKeys.includes(
          (soft ? member.slice(SOFT.length) : member) as InvalidationKey,
        ),
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
    const state = primary.met(now, die);
    const log = answerOf(state, { sentAt: now, since: undefined, limit: 4 });
    // The engine asks the primary first where an entry knows more than the log beside it.
    if (log.era === item.entry.era && item.entry.asOf > (log.seq ?? 0)) return;
    const highest = (prefix: string): number =>
      Math.max(
        0,
        ...item.entry.invalidationKeys.map((name) => state.numbers.get(prefix + name) ?? 0),
      );
    const verdict = verdictByNumbers(item.entry, { hard: highest(""), soft: highest(SOFT) }, log);
    check(verdict, item, now - LAG, "a verification");
    if (verdictByView(view, item.entry) === "invalidated") return;
    if (verdict !== "valid" && verdict !== "soft") return;
    const soft = verdict === "soft";
    const entry = verifiedCopy(item.entry, log.seq ?? 0, soft, now);
    items.push({ ...item, entry, softUntil: soft ? now : item.softUntil });
  }

  function judgeAll(): void {
    for (const [isolate, view] of views.entries()) {
      for (const item of items) {
        const verdict = verdictByView(view, item.entry);
        check(verdict, item, view.stamp - LAG, `isolate ${isolate}`);
        const dead = marks[isolate]!.some(
          (mark) =>
            item.entry.asOf <= mark.seen &&
            item.entry.era === mark.era &&
            item.entry.invalidationKeys.includes(mark.member),
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
      const entry = entryOf({ key, invalidationKeys: taggedMembers(key, ...tags), era, asOf });
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
      apply(question.isolate, answerOf(primary.met(question.sentAt, b), question));
    },
    establish: (_, isolate) => establish(isolate),
    verify: ({ b, c }, isolate) => {
      const item = items[b % Math.max(1, items.length)];
      if (item !== undefined) verify(item, views[isolate]!, c);
    },
    invalidate: ({ b, c }, isolate) => {
      const names: InvalidationKey[] = ["t:a", "t:b", "t:c", "k:k:0", "n:", "t:d", "t:e"];
      const hard = names.filter((_, bit) => (b >> bit) & 1);
      const members = c % 4 === 0 ? hard.map((name): LogKey => `${SOFT}${name}`) : hard;
      const seq = invalidate(members);
      if (c % 2 === 0 && views[isolate]!.era === primary.state().era)
        noteNumbers(views[isolate]!, members, seq);
    },
    mark: ({ b }, isolate) => {
      const view = views[isolate]!;
      if (view.era === undefined) return;
      const member: InvalidationKey = `t:${TAGS[b % TAGS.length]!}`;
      markInvalidated(view, [member]);
      marks[isolate]!.push({ member, seen: view.seen, era: view.era });
    },
    trim: ({ b }) => primary.trim(b),
    flush: ({ b }) => primary.flush(b),
    renew: ({ b }) => {
      primary.flush(b);
      invalidate([]);
    },
    failover: ({ b }) => {
      const until = primary.failOver(b);
      // What was acknowledged since then is lost; its outbox repeats it later.
      purges = purges.filter(({ at }) => at <= until);
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
          answerOf(primary.state(), { sentAt: now, since, limit: 1_000 }),
        );
        if (outcome === "lost" || outcome === "behind") establish(isolate);
        judgeAll();
        now++;
        const { era = "", seen: asOf } = view;
        return verdictByView(view, entryOf({ era, asOf }));
      });
    },
  };
}
