/** The words of explanations. */
import type { Invalidation, UnstoredReason } from "../core/key-notes.ts";
import type { EpochMs } from "../core/time.ts";

/** A reason as a code for programs and a text for people. */
export interface Reason {
  /** The stable name of the reason, for programs. */
  readonly code: string;
  /** The reason as a sentence, for people. */
  readonly text: string;
}

export const reason = (code: string, text: string): Reason => ({ code, text });

/** Writes an instant to the second, in UTC. */
export const instant = (at: EpochMs): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

/** The verdicts that forbid the use of an entry. */
export const INVALID: ReadonlyMap<string, string> = new Map([
  ["invalidated", "it was invalidated"],
  ["era", "it was loaded in another era of the invalidation log"],
  ["floor", "numbers that would invalidate it may have been trimmed"],
  ["unconfirmed", "an unconfirmed write may have changed it, so it answers only if the load fails"],
]);

/** Why a tier's entry was not used, or not stored there. */
export const MISSED_BECAUSE: ReadonlyMap<string, string> = new Map([
  ...INVALID,
  ["corrupt", "the entry could not be decoded"],
  ["incomplete", "a part of the entry is missing, could not be read, or had no room in the batch"],
  ["unverified", "the log was asked about the entry and did not confirm it"],
  ["unfit", "the schema of the policy rejected the value"],
  ["undecryptable", "no key decrypts the entry in this tier"],
  ["too-big", "the entry is too large for this tier"],
  ["read-once", "this tier stores an entry only if its key is read again"],
]);

export const UNSTORED_BECAUSE: Readonly<Record<UnstoredReason, string>> = {
  "no-store": "the response says no-store",
  private: "the response says private",
  varies: "the response says Vary: *",
  "no-cache": "the response says no-cache",
  silent: "neither the response nor a policy gives it a lifetime (freshFor)",
  status: "responses with this status are not stored without a lifetime of their own",
  cookie: "the response sets a cookie, so it is for one client",
  authorization: "the request has credentials, and the response does not permit sharing",
  request: "the request says no-store",
  tags: "it has more tags than one entry can carry",
  unkeyed: "the handler read a part of the request that the key does not name",
  unstable: "the key function gave two keys for one request",
  loader: "the loader called noStore",
  unreachable: "it was made of a value that could not be checked against the invalidation log",
  unconfirmed: "it was made of a value that an unconfirmed write may have changed",
  negative: "the origin has nothing under the key, and negativeFor of the policy is 0",
  body: "its body is too long, or cannot be stored",
  other: "the layer does not know why",
};

/** Names what was invalidated, and when. */
export function invalidatedText(by: Invalidation | undefined, how = ""): string {
  if (by === undefined)
    return `The entry was ${how}invalidated; this isolate no longer knows by which tag or key.`;
  const { invalidationKey, at } = by;
  const when = at === undefined ? "; the log has not confirmed it yet" : ` at ${instant(at)}`;
  return `The entry was ${how}invalidated by ${nameOf(invalidationKey)}${when}.`;
}

function nameOf(invalidationKey: string): string {
  const name = invalidationKey.slice(2);
  if (invalidationKey.startsWith("t:")) return `the tag ${name}`;
  if (invalidationKey.startsWith("k:")) return `the key ${name}`;
  return invalidationKey.startsWith("p:") ? `the prefix ${name}` : "a purge of everything";
}
