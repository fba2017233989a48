import { SOFT, type LogKey } from "../../src/core/invalidation-key.ts";

/** The history of a simulation, and the checker: whether what happened keeps the guarantee. */

export interface ReadResult {
  readonly value: number | undefined;
  readonly unreachable: boolean;
  readonly status: string;
  readonly at: number;
  /** Whether the value came through a value that was made of it. A stale part then has no status of its own. */
  readonly nested?: boolean;
}

export interface Bounds {
  /** A read that begins this long after an acknowledgement must not return an older value. */
  readonly coherenceMs: number;
  /** The longest time between an invalidation and its acknowledgement. */
  readonly answerMs: number;
  /** How long after an acknowledgement a fail-over may still lose it. */
  readonly lagMs: number;
  /** The longest time that a read may take. */
  readonly deadlineMs: number;
  /**
   * Whether nothing fails. Then too many concurrent loads of one key are a violation, and a read
   * without a value, and a row of the outbox that relays invalidate more often than needed.
   */
  readonly isCalm: boolean;
}

interface Commit {
  readonly version: number;
  readonly at: number;
  /** What the write invalidates after its commit. Soft log keys make older values stale, not unusable. */
  readonly logKeys: readonly LogKey[];
  readonly acknowledged: Acknowledgement[];
}

interface Acknowledgement {
  readonly at: number;
  /** The log had it at a time at which no fail-over could lose it any more. */
  readonly verified: boolean;
}

export interface History {
  readBegins(key: string, who: string, at: number): (result: ReadResult) => void;
  committed(key: string, version: number, at: number, logKeys: readonly LogKey[]): void;
  /** Reads may return this version from now on, although the database does not have it yet. */
  offered(key: string, version: number, at: number): void;
  /**
   * The log has acknowledged an invalidation that was sent at `sentAt`. `put`: its writer stores this
   * version of this key with the number, so that it says nothing of later versions of the key.
   */
  invalidated(
    logKeys: readonly LogKey[],
    sentAt: number,
    at: number,
    put?: { readonly key: string; readonly version: number },
  ): void;
  /** The relay has deleted the row of this commit, because the log has its log keys. */
  delivered(logKeys: readonly LogKey[], committedAt: number, at: number): void;
  /** A row of the outbox has got a number for the `times`-th time. */
  numbered(row: number, times: number): void;
  /** Records a violation that the history cannot find by itself. */
  found(violation: string): void;
  loadBegins(key: string, limit: number, at: number): () => void;
  /** A fail-over at this instant may have lost acknowledged invalidations. */
  numbersLost(at: number): void;
  /**
   * A clock is wrong from now on. Staleness is a matter of clocks, so a soft invalidation then binds
   * no isolate: one that is behind takes a stale entry for fresh.
   */
  clockWrong(): void;
  /** An isolate's clock was set back, so that its last sync seems younger by as much. */
  clockSetBack(who: string, at: number, byMs: number): void;
  /** Returns the violations of the guarantee, as texts. */
  violations(): readonly string[];
  readonly reads: number;
}

/** The writer and one relay may race for a row, and both again after the origin's lag. */
const MAX_NUMBERINGS = 4;

export function createHistory(bounds: Bounds): History {
  const commits = new Map<string, Commit[]>();
  const offers = new Map<string, number>();
  const running = new Map<string, number>();
  const setBacks: { who: string; at: number; byMs: number }[] = [];
  const losses: number[] = [];
  const found: string[] = [];
  const checks: (() => void)[] = [];
  const open = new Set<string>();
  let reads = 0;
  let isClockWrong = false;

  function check(key: string, who: string, began: number, result: ReadResult): void {
    const { value, unreachable, status, at, nested = false } = result;
    const name = `${who} read ${key} at ${began}..${at}: ${status} ${value}`;
    if (at - began > bounds.deadlineMs) found.push(`${name}: answered after ${at - began} ms`);
    if (value === undefined && bounds.isCalm)
      found.push(`${name}: no value, although nothing failed`);
    if (value === undefined) return;
    const known = commits.get(key) ?? [];
    const committed =
      value === 0 ||
      (offers.get(`${key} ${value}`) ?? Infinity) <= at ||
      known.some(({ version, at: when }) => version === value && when <= at);
    if (!committed) found.push(`${name}: a value that was never committed`);
    // The guarantee excludes answers that are marked.
    if (unreachable) return;
    const limit = began - bounds.coherenceMs - clockExtra(who, began);
    for (const { version, logKeys, acknowledged } of known) {
      if (isSoft(logKeys) && (nested || isClockWrong || status.startsWith("stale"))) continue;
      const binding = acknowledged.find((one) => one.at < limit && !mayBeLost(one));
      if (version > value && binding !== undefined)
        found.push(`${name}: but ${version} was acknowledged at ${binding.at}`);
    }
  }

  /** Whether a fail-over may have lost the invalidation after it was executed. Then the relay's repetition counts. */
  function mayBeLost({ at, verified }: Acknowledgement): boolean {
    const { answerMs, lagMs } = bounds;
    return !verified && losses.some((lost) => lost >= at - answerMs && lost <= at + lagMs);
  }

  /** How much longer the bound is for an isolate whose clock was set back. */
  function clockExtra(who: string, began: number): number {
    // After a larger step the last sync lies in the future, and the isolate ignores it.
    return setBacks
      .filter((step) => step.who === who && step.at <= began && step.byMs < bounds.coherenceMs)
      .reduce((sum, { byMs }) => sum + byMs, 0);
  }

  /** Reports the commits whose invalidation never reached the log. */
  function checkDelivery(): void {
    for (const [key, known] of commits)
      for (const { version, at, acknowledged } of known)
        if (acknowledged.length === 0)
          found.push(`${version} of ${key}, committed at ${at}: never invalidated`);
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
    committed(key, version, at, logKeys) {
      const commit: Commit = { version, at, logKeys, acknowledged: [] };
      const known = commits.get(key);
      if (known === undefined) commits.set(key, [commit]);
      else known.push(commit);
    },
    offered: (key, version, at) => void offers.set(`${key} ${version}`, at),
    invalidated(logKeys, sentAt, at, put) {
      for (const [key, known] of commits)
        for (const commit of known) {
          if (key === put?.key && commit.version > put.version) continue;
          if (commit.at <= sentAt && overlap(commit.logKeys, logKeys))
            commit.acknowledged.push({ at, verified: false });
        }
    },
    delivered(logKeys, committedAt, at) {
      for (const known of commits.values())
        for (const commit of known)
          if (commit.at === committedAt && overlap(commit.logKeys, logKeys))
            commit.acknowledged.push({ at, verified: true });
    },
    numbered(row, times) {
      if (bounds.isCalm && times > MAX_NUMBERINGS)
        found.push(
          `row ${row} of the outbox was invalidated ${times} times, although nothing failed`,
        );
    },
    found: (violation) => void found.push(violation),
    loadBegins(key, limit, at) {
      const count = (running.get(key) ?? 0) + 1;
      running.set(key, count);
      if (bounds.isCalm && count > limit) found.push(`${count} loads of ${key} at once, at ${at}`);
      let over = false;
      return () => {
        if (!over) running.set(key, (running.get(key) ?? 1) - 1);
        over = true;
      };
    },
    clockWrong() {
      isClockWrong = true;
    },
    clockSetBack: (who, at, byMs) => void setBacks.push({ who, at, byMs }),
    numbersLost: (at) => void losses.push(at),
    violations() {
      for (const run of checks.splice(0)) run();
      for (const id of open) found.push(`${id}: never answered`);
      checkDelivery();
      return found;
    },
  };
}

function overlap(some: readonly LogKey[], others: readonly LogKey[]): boolean {
  return some.some((one) => others.includes(one));
}

function isSoft(logKeys: readonly LogKey[]): boolean {
  return logKeys.every((logKey) => logKey.startsWith(SOFT));
}
