/** What happened, and whether it may have: the checker. */

export interface ReadResult {
  readonly value: number | undefined;
  readonly unreachable: boolean;
  readonly status: string;
  readonly at: number;
}

export interface Bounds {
  /** A read that begins this long after an acknowledgement must see it. */
  readonly coherenceMs: number;
  /** How long an acknowledgement may be on its way. */
  readonly answerMs: number;
  /** How long after it a fail-over may still lose what was acknowledged. */
  readonly lagMs: number;
  /** An answer may take this long. */
  readonly deadlineMs: number;
  /** Whether more loads of one key at once than its scopes allow are a violation. */
  readonly countLoads: boolean;
}

interface Commit {
  readonly version: number;
  readonly at: number;
  readonly acknowledged: Acknowledgement[];
}

interface Acknowledgement {
  readonly at: number;
  /** The log was found to have it, when no fail-over could lose it any more. */
  readonly verified: boolean;
}

export interface History {
  readBegins(key: string, who: string, at: number): (result: ReadResult) => void;
  committed(key: string, version: number, at: number): (at: number, verified?: boolean) => void;
  loadBegins(key: string, limit: number, at: number): () => void;
  /** Acknowledged invalidations may have been lost at this instant. */
  numbersLost(at: number): void;
  /** An isolate's clock was set back: what it knows seems younger to it by as much. */
  clockSetBack(who: string, at: number, byMs: number): void;
  /** What must not have happened; empty if all is well. */
  violations(): readonly string[];
  readonly reads: number;
}

export function createHistory(bounds: Bounds): History {
  const commits = new Map<string, Commit[]>();
  const running = new Map<string, number>();
  const setBacks: { who: string; at: number; byMs: number }[] = [];
  const losses: number[] = [];
  const found: string[] = [];
  const checks: (() => void)[] = [];
  const open = new Set<string>();
  let reads = 0;

  function check(key: string, who: string, began: number, result: ReadResult): void {
    const { value, unreachable, status, at } = result;
    const name = `${who} read ${key} at ${began}..${at}: ${status} ${value}`;
    if (at - began > bounds.deadlineMs) found.push(`${name}: answered after ${at - began} ms`);
    if (value === undefined) return;
    const known = commits.get(key) ?? [];
    const committed =
      value === 0 || known.some(({ version, at: when }) => version === value && when <= at);
    if (!committed) found.push(`${name}: a value that was never committed`);
    // Marked answers are outside the guarantee.
    if (unreachable) return;
    const limit = began - bounds.coherenceMs - clockExtra(who, began);
    for (const { version, acknowledged } of known) {
      const binding = acknowledged.find((one) => one.at < limit && !mayBeLost(one));
      if (version > value && binding !== undefined)
        found.push(`${name}: but ${version} was acknowledged at ${binding.at}`);
    }
  }

  /** Lost after it was executed, be it before its answer arrived; then the outbox's repetition counts. */
  function mayBeLost({ at, verified }: Acknowledgement): boolean {
    const { answerMs, lagMs } = bounds;
    return !verified && losses.some((lost) => lost >= at - answerMs && lost <= at + lagMs);
  }

  /** A clock that went back lengthens the bound: what was known seems younger by as much. */
  function clockExtra(who: string, began: number): number {
    // A stamp that is in the future by now proves nothing and is not believed.
    return setBacks
      .filter((step) => step.who === who && step.at <= began && step.byMs < bounds.coherenceMs)
      .reduce((sum, { byMs }) => sum + byMs, 0);
  }

  return {
    get reads() {
      return reads;
    },
    readBegins(key, who, began) {
      reads++;
      const id = `${who} read ${key} at ${began} (#${reads})`;
      open.add(id);
      return (result) => {
        open.delete(id);
        checks.push(() => check(key, who, began, result));
      };
    },
    committed(key, version, at) {
      const commit: Commit = { version, at, acknowledged: [] };
      const known = commits.get(key);
      if (known === undefined) commits.set(key, [commit]);
      else known.push(commit);
      return (when, verified = false) => void commit.acknowledged.push({ at: when, verified });
    },
    loadBegins(key, limit, at) {
      const count = (running.get(key) ?? 0) + 1;
      running.set(key, count);
      if (bounds.countLoads && count > limit)
        found.push(`${count} loads of ${key} at once, at ${at}`);
      let over = false;
      return () => {
        if (!over) running.set(key, (running.get(key) ?? 1) - 1);
        over = true;
      };
    },
    clockSetBack: (who, at, byMs) => void setBacks.push({ who, at, byMs }),
    numbersLost: (at) => void losses.push(at),
    violations() {
      for (const run of checks.splice(0)) run();
      for (const id of open) found.push(`${id}: never answered`);
      return found;
    },
  };
}
