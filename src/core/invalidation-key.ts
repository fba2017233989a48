import { DefinitionError } from "./faults.ts";
import { keyProblem } from "./key.ts";

/**
 * A name that can invalidate entries: `t:<tag>`, `k:<key>`, `p:<prefix of keys>`, or `n:` for the
 * whole namespace. The letter distinguishes an application's tag from a key, a prefix, and the
 * log's own members (`!seq`, `!era:`, `!floor:`).
 */
export type InvalidationKey = `t:${string}` | `k:${string}` | `p:${string}` | "n:";
/** The prefix of a log key whose invalidation is soft: it makes entries stale, not unusable. */
export const SOFT = "~";
/**
 * The prefix of a log key whose invalidation is unconfirmed: the database did not say whether it made
 * the change. Entries then answer only if the load fails.
 */
export const UNCONFIRMED = "?";
/**
 * The prefix of a log key that says that the invalidation is an erasure: every isolate that applies
 * it drops the bytes from memory. The hard log key beside it makes the entries invalid.
 */
export const ERASED = "-";
/** A member of the invalidation log. Its score is the number of its latest invalidation. */
export type LogKey =
  | InvalidationKey
  | `${typeof SOFT}${InvalidationKey}`
  | `${typeof UNCONFIRMED}${InvalidationKey}`
  | `${typeof ERASED}${InvalidationKey}`;

/**
 * Returns the invalidation key of a log key, as text: the log key without the prefix of its kind. An
 * erasure keeps its prefix, because no entry carries it.
 */
export function invalidationKeyOf(logKey: string): string {
  return logKey.startsWith(SOFT) || logKey.startsWith(UNCONFIRMED) ? logKey.slice(1) : logKey;
}

const MAX_TAG_LENGTH = 256;
/**
 * The maximum number of prefixes that an entry carries. A prefix of a key ends at a `:`. Longer
 * prefixes cannot be purged.
 */
export const MAX_PREFIX_DEPTH = 4;
/** The maximum number of tags of one policy. */
export const MAX_TAGS = 128;
/** The maximum number of invalidation keys that the load of one entry may give it. A result with more is not stored. */
export const MAX_ENTRY_KEYS = 512;

// Control characters would break the one-line header of a stored entry.
// oxlint-disable-next-line no-control-regex -- matching control characters is the point
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Returns the reason why a tag is invalid, or undefined if it is valid. */
export function tagProblem(tag: string): string | undefined {
  if (tag.length === 0) return "a tag must not be empty";
  if (tag.length > MAX_TAG_LENGTH) return `a tag has at most ${MAX_TAG_LENGTH} characters`;
  if (CONTROL.test(tag)) return "a tag has no control characters";
  if (!tag.isWellFormed()) return "a tag is well-formed Unicode";
  return undefined;
}

/** Returns the invalidation key of a tag. @throws {DefinitionError} if the tag is invalid. */
export function invalidationKeyOfTag(tag: string): InvalidationKey {
  const problem = tagProblem(tag);
  if (problem !== undefined) throw new DefinitionError("tags", problem);
  return `t:${tag}`;
}

/** Returns the reason why a prefix cannot be purged, or undefined if it can. */
export function prefixProblem(prefix: string): string | undefined {
  if (!prefix.endsWith(":")) return "a prefix must end in ':'";
  if (prefix.split(":").length - 1 > MAX_PREFIX_DEPTH)
    return `a prefix has at most ${MAX_PREFIX_DEPTH} parts`;
  return tagProblem(prefix);
}

/**
 * Returns the invalidation keys that every entry under `key` carries: the namespace, the key, and
 * the prefixes of the key.
 */
export function derivedInvalidationKeys(key: string): InvalidationKey[] {
  const invalidationKeys: InvalidationKey[] = ["n:", `k:${key}`];
  let at = -1;
  for (let depth = 0; depth < MAX_PREFIX_DEPTH; depth++) {
    at = key.indexOf(":", at + 1);
    if (at < 0) break;
    invalidationKeys.push(`p:${key.slice(0, at + 1)}`);
  }
  return invalidationKeys;
}

/**
 * Returns every log key that can invalidate the entry under `key`: hard, soft and unconfirmed. `own` are its
 * invalidation keys beside those that every entry carries.
 */
export function logKeysOfEntry(key: string, own: readonly InvalidationKey[]): LogKey[] {
  return [...derivedInvalidationKeys(key), ...own].flatMap((name): LogKey[] => [
    name,
    `${SOFT}${name}`,
    `${UNCONFIRMED}${name}`,
  ]);
}

/** Whether a value of another isolate is a log key: a valid invalidation key, with or without the prefix of a kind. */
export function isLogKey(value: unknown): value is LogKey {
  if (typeof value !== "string") return false;
  const name = value.startsWith(ERASED) ? value.slice(1) : invalidationKeyOf(value);
  const rest = name.slice(2);
  switch (name.slice(0, 2)) {
    case "n:":
      return rest === "";
    case "t:":
      return tagProblem(rest) === undefined;
    case "k:":
      return keyProblem(rest) === undefined;
    case "p:":
      return prefixProblem(rest) === undefined;
    default:
      return false;
  }
}

/** The targets of a purge. The purge invalidates every entry that matches at least one target. */
export interface PurgeTargets {
  /** The tags of the entries. */
  readonly tags?: readonly string[];
  /** The keys of the entries. */
  readonly keys?: readonly string[];
  /** The prefixes of the keys. Each prefix ends with a `:`. */
  readonly prefixes?: readonly string[];
  /** Whether the purge invalidates the whole namespace. */
  readonly everything?: boolean;
  /** Whether entries become stale instead of unusable. Default: false. */
  readonly soft?: boolean;
}

/** The targets of an erasure. The entries become unusable, and their bytes are removed. */
export interface EraseTargets extends Omit<PurgeTargets, "soft"> {
  /** The bytes are removed too. */
  readonly erase: true;
  /** The `cursor` of an earlier answer, to continue that erasure. Default: a new erasure. */
  readonly cursor?: string | undefined;
}

/** The targets of a purge or of an erasure. */
export type AnyTargets = PurgeTargets | EraseTargets;

/**
 * Returns the log keys of a purge, without duplicates.
 *
 * @throws {DefinitionError} that names the field and the value that cannot be purged.
 */
export function logKeysOfPurge(targets: AnyTargets): LogKey[] {
  const unique = namesOfPurge(targets);
  if (isErasure(targets)) return [...unique, ...unique.map((name): LogKey => `${ERASED}${name}`)];
  return targets.soft === true ? unique.map((name): LogKey => `${SOFT}${name}`) : unique;
}

/** Whether the targets are those of an erasure. */
export function isErasure(targets: AnyTargets): targets is EraseTargets {
  return "erase" in targets && (targets.erase as unknown) === true;
}

/** Returns the invalidation keys that a purge names, without duplicates. @throws as `logKeysOfPurge` does */
export function namesOfPurge(targets: AnyTargets): InvalidationKey[] {
  const hard: InvalidationKey[] = [
    ...(targets.everything === true ? (["n:"] as const) : []),
    ...(targets.tags ?? []).map((tag) => `t:${checked("tags", tag, tagProblem)}` as const),
    ...(targets.keys ?? []).map((key) => `k:${checked("keys", key, keyProblem)}` as const),
    ...(targets.prefixes ?? []).map(
      (prefix) => `p:${checked("prefixes", prefix, prefixProblem)}` as const,
    ),
  ];
  return [...new Set(hard)];
}

function checked(
  field: string,
  value: string,
  problemOf: (value: string) => string | undefined,
): string {
  const problem = problemOf(value);
  if (problem !== undefined)
    throw new DefinitionError(field, `${JSON.stringify(value.slice(0, 80))}: ${problem}`);
  return value;
}
