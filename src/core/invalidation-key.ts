import { DefinitionError } from "./faults.ts";
import { keyProblem } from "./key.ts";

/**
 * A member of the invalidation log. Typed by its first letters, so that no
 * user's tag can pose as a key, a prefix, or the log's own bookkeeping:
 * `t:<tag>`, `k:<key>`, `p:<prefix>`, `n:` (the whole namespace).
 */
export type InvalidationKey = `t:${string}` | `k:${string}` | `p:${string}` | "n:";
/** Written before a member whose invalidation is soft: stale, not gone. */
export const SOFT = "~";
export type LogKey = InvalidationKey | `~${InvalidationKey}`;

const MAX_TAG_LENGTH = 256;
/** How many `:`-terminated prefixes of a key can be purged. */
export const MAX_PREFIX_DEPTH = 4;
/** Tags of one entry, the derived ones not counted. */
export const MAX_TAGS = 128;

// Control characters would break the one-line header of a stored entry.
// oxlint-disable-next-line no-control-regex -- matching control characters is the point
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Why `tag` cannot be a tag, or undefined if it can. */
export function tagProblem(tag: string): string | undefined {
  if (tag.length === 0) return "a tag must not be empty";
  if (tag.length > MAX_TAG_LENGTH) return `a tag has at most ${MAX_TAG_LENGTH} characters`;
  if (CONTROL.test(tag)) return "a tag must not contain control characters";
  if (!tag.isWellFormed()) return "a tag must be well-formed Unicode";
  return undefined;
}

export function invalidationKeyOfTag(tag: string): InvalidationKey {
  const problem = tagProblem(tag);
  if (problem !== undefined) throw new DefinitionError("tags", problem);
  return `t:${tag}`;
}

/** Why `prefix` cannot be purged, or undefined if it can. */
export function prefixProblem(prefix: string): string | undefined {
  if (!prefix.endsWith(":")) return "a prefix must end at a ':'";
  if (prefix.split(":").length - 1 > MAX_PREFIX_DEPTH)
    return `a prefix has at most ${MAX_PREFIX_DEPTH} parts`;
  return tagProblem(prefix);
}

/** The members that every entry under `key` carries: the key, its prefixes, the namespace. */
export function derivedInvalidationKeys(key: string): InvalidationKey[] {
  const members: InvalidationKey[] = ["n:", `k:${key}`];
  let at = -1;
  for (let depth = 0; depth < MAX_PREFIX_DEPTH; depth++) {
    at = key.indexOf(":", at + 1);
    if (at < 0) break;
    members.push(`p:${key.slice(0, at + 1)}`);
  }
  return members;
}

/** What a purge names. `soft` makes entries stale instead of invalid. */
export interface PurgeTargets {
  readonly tags?: readonly string[];
  readonly keys?: readonly string[];
  readonly prefixes?: readonly string[];
  readonly everything?: boolean;
  readonly soft?: boolean;
}

/**
 * The log members that a purge names.
 *
 * @throws {DefinitionError} naming the field and the value that cannot be purged.
 */
export function logKeysOfPurge(targets: PurgeTargets): LogKey[] {
  const hard: InvalidationKey[] = [
    ...(targets.everything === true ? (["n:"] as const) : []),
    ...(targets.tags ?? []).map((tag) => `t:${checked("tags", tag, tagProblem)}` as const),
    ...(targets.keys ?? []).map((key) => `k:${checked("keys", key, keyProblem)}` as const),
    ...(targets.prefixes ?? []).map(
      (prefix) => `p:${checked("prefixes", prefix, prefixProblem)}` as const,
    ),
  ];
  const unique = [...new Set(hard)];
  return targets.soft === true ? unique.map((member): LogKey => `${SOFT}${member}`) : unique;
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
