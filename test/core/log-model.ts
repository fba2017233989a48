/**
 * A model around `core/log.ts`: a log that can be flushed, renewed, trimmed and fail over, replicas
 * that lag, answers that are late, repeated and reordered, and several isolates. It records every
 * purge, so that it can check every verdict of an isolate.
 */
import { verifiedCopy, type Entry } from "../../src/core/entry.ts";
import {
  applyAnswer,
  verdictByView,
  markInvalidated,
  noteNumbers,
  type LogAnswer,
  type Verdict,
} from "../../src/core/log.ts";
import { createLogView, type LogView } from "../../src/core/log-view.ts";
import { verdictByNumbers, verdictWithAnswer } from "../../src/core/log-verdict.ts";
import {
  SOFT,
  UNCONFIRMED,
  type InvalidationKey,
  type LogKey,
} from "../../src/core/invalidation-key.ts";
import { entryOf, invalidationKeysOf } from "../support/entries.ts";
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
  /** Random numbers for the choices of the step. */
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** An acknowledged invalidation. */
interface Purge {
  readonly at: number;
  readonly logKey: LogKey;
}

interface Item {
  readonly entry: Entry;
  /** When its load began: it has the values of that instant. */
  readonly readAt: number;
  /** Soft invalidations up to this instant are applied to it. */
  readonly softUntil: number;
}

/** An invalidation that an isolate marked itself. */
interface Mark {
  readonly name: InvalidationKey;
  readonly seen: number;
  readonly era: string;
}

/** A question of an isolate that is not answered yet. */
interface Asked extends Question {
  readonly isolate: number;
}

export interface LogModel {
  run(step: Step): void;
  /** Wrong verdicts, as texts. */
  violations(): string[];
  /** Lets every isolate sync with the primary. Returns the verdict of each over an entry that it loads then. */
  calm(): Verdict[];
  readonly seen: ReadonlySet<string>;
}

export function createLogModel(isolates: number): LogModel {
  const seen = new Set<string>();
  const views = Array.from({ length: isolates }, createLogView);
  const marks = views.map((): Mark[] => []);
  let purges: Purge[] = [];
  let items: Item[] = [];
  let questions: Asked[] = [];
  const found: string[] = [];
  let now = 1;
  const primary = createPrimary(() => now);

  function invalidate(logKeys: readonly LogKey[]): number {
    for (const logKey of logKeys) purges.push({ at: now, logKey });
    return primary.invalidate(logKeys);
  }

  /** An isolate asks the primary. */
  function establish(isolate: number): void {
    const view = views[isolate]!;
    const seq = view.era === undefined ? 0 : view.seen;
    primary.establish({ era: view.era, seq });
    apply(isolate, answerOf(primary.state(), { sentAt: now, since: seq, limit: 4 }));
  }

  function apply(isolate: number, answer: LogAnswer): void {
    const outcome = applyAnswer(views[isolate]!, answer);
    seen.add(outcome);
    // A mark belongs to the era in which it was made.
    if (outcome === "renewed") marks[isolate] = [];
    if (answer.truncated && outcome === "applied") seen.add("truncated");
  }

  /** Whether an invalidation of this kind (`""` for hard) came after the load of the entry. */
  function isStale(
    item: Item,
    until: number,
    kind: "" | typeof SOFT | typeof UNCONFIRMED,
  ): boolean {
    const since = kind === SOFT ? Math.max(item.readAt, item.softUntil) : item.readAt;
    return purges.some(
      ({ at, logKey }) =>
        at > since &&
        at <= until &&
        item.entry.invalidationKeys.some((name) => logKey === `${kind}${name}`),
    );
  }

  function check(verdict: Verdict, item: Item, until: number, who: string): void {
    seen.add(verdict);
    if (verdict !== "valid" && verdict !== "soft" && verdict !== "unconfirmed") return;
    if (isStale(item, until, "")) found.push(`${who} says ${verdict} of a purged entry`);
    if (verdict === "unconfirmed") return;
    if (isStale(item, until, UNCONFIRMED))
      found.push(`${who} says ${verdict} of an entry that an unconfirmed write may have changed`);
    if (verdict === "valid" && isStale(item, until, SOFT))
      found.push(`${who} says valid of a softly purged entry`);
  }

  function verify(item: Item, view: LogView, die: number): void {
    const state = primary.stateFor(now, die);
    const log = answerOf(state, { sentAt: now, since: 0, limit: 4 });
    // If the entry has a higher number than the log, the engine asks the primary first.
    if (log.era === item.entry.era && item.entry.asOf > (log.seq ?? 0)) return;
    const highest = (prefix: string): number =>
      Math.max(
        0,
        ...item.entry.invalidationKeys.map((name) => state.numbers.get(prefix + name) ?? 0),
      );
    const numbers = {
      hard: highest(""),
      soft: highest(SOFT),
      unconfirmed: highest(UNCONFIRMED),
    };
    const verdict = verdictWithAnswer(view, item.entry, verdictByNumbers(item.entry, numbers, log));
    check(verdict, item, now - LAG, "a verification");
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
        const marked = marks[isolate]!.some(
          (mark) =>
            item.entry.asOf <= mark.seen &&
            item.entry.era === mark.era &&
            item.entry.invalidationKeys.includes(mark.name),
        );
        if (marked && (verdict === "valid" || verdict === "soft"))
          found.push(
            `isolate ${isolate} says ${verdict} of an entry that it has invalidated itself`,
          );
      }
    }
  }

  const steps: Record<Step["do"], (step: Step, isolate: number) => void> = {
    load: ({ b, c }, isolate) => {
      const tags = TAGS.filter((_, bit) => (b >> bit) & 1);
      const { era = "", seen: asOf } = views[isolate]!;
      const key = `k:${c % 2}`;
      const entry = entryOf({ key, invalidationKeys: invalidationKeysOf(key, ...tags), era, asOf });
      items = [...items.slice(-11), { entry, readAt: now, softUntil: 0 }];
    },
    ask: ({ b, c }, isolate) => {
      const view = views[isolate]!;
      const since = view.era === undefined || b % 5 === 0 ? 0 : view.seen;
      questions.push({ isolate, sentAt: now, since, limit: 1 + (c % 4) });
    },
    answer: ({ a, b, c }) => {
      const at = a % Math.max(1, questions.length);
      const question = questions[at];
      if (question === undefined) return;
      // One answer in three comes twice.
      if (c % 3 !== 0) questions = questions.filter((_, i) => i !== at);
      apply(question.isolate, answerOf(primary.stateFor(question.sentAt, b), question));
    },
    establish: (_, isolate) => establish(isolate),
    verify: ({ b, c }, isolate) => {
      const item = items[b % Math.max(1, items.length)];
      if (item !== undefined) verify(item, views[isolate]!, c);
    },
    invalidate: ({ b, c }, isolate) => {
      const names: InvalidationKey[] = ["t:a", "t:b", "t:c", "k:k:0", "n:", "t:d", "t:e"];
      const hard = names.filter((_, bit) => (b >> bit) & 1);
      const prefix = ([SOFT, UNCONFIRMED, ""] as const)[Math.min(c % 4, 2)] ?? "";
      const logKeys = hard.map((name): LogKey => `${prefix}${name}`);
      const seq = invalidate(logKeys);
      if (c % 2 === 0 && views[isolate]!.era === primary.state().era)
        noteNumbers(views[isolate]!, logKeys, seq);
    },
    mark: ({ b }, isolate) => {
      const view = views[isolate]!;
      if (view.era === undefined) return;
      const name: InvalidationKey = `t:${TAGS[b % TAGS.length]!}`;
      markInvalidated(view, [name]);
      marks[isolate]!.push({ name, seen: view.seen, era: view.era });
    },
    trim: ({ b }) => primary.trim(b),
    flush: ({ b }) => primary.flush(b),
    renew: ({ b }) => {
      primary.flush(b);
      invalidate([]);
    },
    failover: ({ b }) => {
      const until = primary.failOver(b);
      // Acknowledged purges since then are lost; the outbox repeats them later.
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
      // Views may hold a number that a fail-over lost; this one is above it.
      invalidate(["t:elsewhere"]);
      return views.map((view, isolate) => {
        // As the engine does: sync, and ask the primary if the answer cannot be applied.
        const since = view.era === undefined ? 0 : view.seen;
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
