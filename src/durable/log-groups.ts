/**
 * Numbers the invalidations of several isolates together. The first one is sent at once. Those that
 * come in the next 50 ms wait for the end of that time, and one script numbers them all. The clock
 * and the timer are injected, so that tests need no Durable Object.
 */
import {
  bytesOf,
  GROUP_TICK_MS,
  groupsOf,
  isGroupable,
  MAX_HELD_BYTES,
  type Group,
  type GroupAnswer,
  type GroupNumber,
} from "../core/log-groups.ts";
import type { LogKey } from "../core/invalidation-key.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";

/** The most scripts that run at a time. With a slow Redis, further groups wait and grow. */
const MAX_RUNNING = 4;

export interface GroupCommitOptions {
  readonly now: Clock;
  /** Resolves after `ms` milliseconds. */
  readonly sleep: (ms: Millis) => Promise<void>;
  /** Runs the script. Returns undefined if Redis does not confirm it. */
  readonly invalidate: (logKeys: readonly LogKey[]) => Promise<GroupNumber | undefined>;
}

export interface GroupCommit {
  /** Invalidates the log keys in a group. Resolves when the script of the group has answered. */
  invalidate(logKeys: readonly LogKey[]): Promise<GroupAnswer>;
}

interface Member {
  readonly logKeys: readonly LogKey[];
  readonly answer: (answer: GroupAnswer) => void;
}

export function createGroupCommit({ now, sleep, invalidate }: GroupCommitOptions): GroupCommit {
  let waiting: Member[] = [];
  /** The memory of all invalidations that have no answer yet. */
  let heldBytes = 0;
  let startedAt: EpochMs = Number.NEGATIVE_INFINITY;
  let isSending = false;
  const running = new Set<Promise<void>>();

  async function run({ members, logKeys }: Group<Member>): Promise<void> {
    let answer: GroupAnswer = "failed";
    try {
      answer = (await invalidate([...logKeys])) ?? "failed";
    } catch {
      // The writers of a group whose script threw run the script themselves.
    }
    for (const member of members) member.answer(answer);
  }

  function start(group: Group<Member>): void {
    const script = run(group).finally(() => running.delete(script));
    running.add(script);
  }

  /** Sends groups until nothing waits. The flag ends in the same turn, so that no later one is left waiting. */
  async function send(): Promise<void> {
    isSending = true;
    while (waiting.length > 0) {
      const sinceLast = now() - startedAt;
      // A negative time means that the clock was set back.
      if (sinceLast >= 0 && sinceLast < GROUP_TICK_MS) await sleep(GROUP_TICK_MS - sinceLast);
      while (running.size >= MAX_RUNNING) await Promise.race(running);
      startedAt = now();
      const groups = groupsOf(waiting);
      waiting = [];
      for (const group of groups) {
        while (running.size >= MAX_RUNNING) await Promise.race(running);
        start(group);
      }
    }
    isSending = false;
  }

  return {
    async invalidate(logKeys) {
      if (!isGroupable(logKeys)) return "refused";
      const bytes = bytesOf(logKeys);
      if (heldBytes + bytes > MAX_HELD_BYTES) return "full";
      heldBytes += bytes;
      const { promise, resolve } = Promise.withResolvers<GroupAnswer>();
      waiting.push({ logKeys, answer: resolve });
      if (!isSending) void send();
      const answer = await promise;
      heldBytes -= bytes;
      return answer;
    },
  };
}
