/** The sliding log: the tokens that an account has used, each with the instant of its use. */
import type { EpochMs } from "../core/time.ts";
import type { Balance, Window } from "./window.ts";

/** Tokens that were used at one instant. */
export interface UsedTokens {
  readonly at: EpochMs;
  readonly tokens: number;
}

/** The state of one window by the log. */
export interface LogState {
  readonly used: number;
  /** The instant of the used token whose end makes room; 0 if there is none. */
  readonly oldestAt: EpochMs;
  /** The instant of the token that must leave the window before the request fits; 0 if there is none. */
  readonly freesAt: EpochMs;
}

/** Returns the number of tokens of a window that are in use. */
export function usedIn(log: readonly UsedTokens[], { widthMs }: Window, now: EpochMs): number {
  return log.reduce((used, { at, tokens }) => (at > now - widthMs ? used + tokens : used), 0);
}

/** Returns the state of one window. `log` is in the order of the instants. */
export function logStateOf(
  log: readonly UsedTokens[],
  window: Window,
  now: EpochMs,
  cost: number,
): LogState {
  const counted = log.filter(({ at }) => at > now - window.widthMs);
  const used = usedIn(counted, window, now);
  const over = used + cost - window.limit;
  return {
    used,
    oldestAt: used > 0 ? instantOf(counted, Math.max(0, used - window.limit)) : 0,
    freesAt: over > 0 && over <= used ? instantOf(counted, over - 1) : 0,
  };
}

export function logBalance(
  { used, oldestAt, freesAt }: LogState,
  window: Window,
  now: EpochMs,
  cost: number,
): Balance {
  const untilEndOf = (usedAt: EpochMs): number => Math.max(0, usedAt + window.widthMs - now);
  const fits = cost === 0 || used + cost <= window.limit;
  return {
    window,
    remaining: Math.max(0, window.limit - used),
    resetMs: used === 0 ? 0 : untilEndOf(oldestAt),
    waitMs: fits ? 0 : freesAt === 0 ? Infinity : untilEndOf(freesAt),
  };
}

/** Returns the instant of the token at position `rank`, counted from 0. */
function instantOf(log: readonly UsedTokens[], rank: number): EpochMs {
  let before = 0;
  for (const { at, tokens } of log) {
    before += tokens;
    if (before > rank) return at;
  }
  return 0;
}
