/**
 * The response fields that show clients their limits: `RateLimit-Policy`, `RateLimit` and
 * `X-RateLimit-*`.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-11
 */
import type { FieldNames } from "../core/header-families.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { windowName, type RequestAccount } from "./decision.ts";
import type { Balance, Window } from "./window.ts";

/** The values of the fields. A field whose value is empty or undefined is not sent. */
export interface LimitFields {
  /** The value of `RateLimit-Policy`: each window with its limit in tokens (q) and its span in seconds (w). */
  readonly policies: string;
  /** The value of `RateLimit`: for each window the tokens left (r), and the seconds until more are left (t). */
  readonly remaining: string;
  /** The values of `X-RateLimit-*`, for the window that is nearest to its limit. */
  readonly nearest: NearestLimit | undefined;
}

export interface NearestLimit {
  readonly limit: number;
  readonly remaining: number;
  /** The Unix time in seconds at which more tokens are left, or at which a refused request fits. */
  readonly reset: number;
}

/**
 * Makes the fields of a response. `balances` are in the order of the accounts. They are absent
 * while the ledger is unavailable; then only `RateLimit-Policy` is made.
 */
export function limitFields(
  accounts: readonly RequestAccount[],
  balances: readonly (readonly Balance[])[] | undefined,
  now: EpochMs,
): LimitFields {
  let policies = "";
  let remaining = "";
  let nearest: Balance | undefined;
  for (const [i, account] of accounts.entries()) {
    const { names, field } = policyTexts(account);
    policies = listed(policies, field);
    for (const balance of balances?.[i] ?? NO_BALANCES) {
      const name = names.get(balance.window) ?? nameOf(account, balance.window);
      const item = `${name};r=${balance.remaining};t=${toSeconds(balance.resetMs)}`;
      remaining = listed(remaining, item);
      if (nearest === undefined || isNearer(balance, nearest)) nearest = balance;
    }
  }
  return { policies, remaining, nearest: nearest && toNearestLimit(nearest, now) };
}

const NO_BALANCES: readonly Balance[] = [];

const listed = (list: string, item: string): string => (list === "" ? item : `${list}, ${item}`);

/**
 * Adds the fields to a response, which may have the fields of another limiter already. The members
 * are appended to the lists; `X-RateLimit-*` have the values of the limit with fewer tokens left.
 * `isLimited` is true if another limiter has added fields for this request. The origin may have sent
 * `X-RateLimit-*` of its own, which are replaced.
 */
export function applyLimitFields(
  headers: Headers,
  { policies, remaining, nearest }: LimitFields,
  families: FieldNames,
  isLimited: boolean,
): void {
  if (policies === "") return;
  // An answer that has replaced the limited one has no RateLimit-Policy.
  const hasOther = isLimited && (families === "x" || headers.has("RateLimit-Policy"));
  const before = hasOther ? headers.get("X-RateLimit-Remaining") : null;
  if (families !== "x") {
    headers.append("RateLimit-Policy", policies);
    if (remaining !== "") headers.append("RateLimit", remaining);
    if (families === "ietf") return;
  }
  if (nearest === undefined || (before !== null && Number(before) <= nearest.remaining)) return;
  headers.set("X-RateLimit-Limit", String(nearest.limit));
  headers.set("X-RateLimit-Remaining", String(nearest.remaining));
  headers.set("X-RateLimit-Reset", String(nearest.reset));
}

/** The texts of a policy, which are the same for each request. */
interface PolicyTexts {
  readonly policy: string;
  readonly names: ReadonlyMap<Window, string>;
  readonly field: string;
}

/** The texts by the windows of a policy, which are the same object in each request. */
const textsByWindows = new WeakMap<readonly Window[], PolicyTexts>();

function policyTexts(account: RequestAccount): PolicyTexts {
  const { policy, windows } = account;
  const known = textsByWindows.get(windows);
  if (known?.policy === policy) return known;
  const names = new Map(windows.map((window) => [window, nameOf(account, window)]));
  const items = [...names].map(
    ([{ limit, widthMs }, name]) => `${name};q=${limit};w=${toSeconds(widthMs)}`,
  );
  const texts = { policy, names, field: items.join(", ") };
  textsByWindows.set(windows, texts);
  return texts;
}

/** Returns the name of a window as a string of structured fields. */
function nameOf({ policy, windows }: RequestAccount, { label }: Window): string {
  return toStructuredString(windowName(policy, windows.length, label));
}

/** Writes a string of structured fields (RFC 9651, 3.3.3): ASCII, with quotes and backslashes escaped. */
function toStructuredString(text: string): string {
  return `"${text.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, "\\$&")}"`;
}

/**
 * Returns whether window `a` is nearer to its limit than `b`. A window that refuses is nearer than
 * one that does not.
 */
function isNearer(a: Balance, b: Balance): boolean {
  if (a.waitMs > 0 !== b.waitMs > 0) return a.waitMs > 0;
  return a.remaining === b.remaining ? a.waitMs > b.waitMs : a.remaining < b.remaining;
}

function toNearestLimit(
  { window, remaining, resetMs, waitMs }: Balance,
  now: EpochMs,
): NearestLimit {
  const ms = waitMs > 0 && waitMs < Infinity ? waitMs : resetMs;
  return { limit: window.limit, remaining, reset: toSeconds(now + ms) };
}

const toSeconds = (ms: Millis): number => Math.ceil(ms / 1_000);
