import { tagProblem, type InvalidationKey } from "../../core/invalidation-key.ts";
import { splitList, type FieldReader } from "../rfc/fields.ts";
import { parseCacheGroups } from "../rfc/invalidation.ts";

/**
 * Returns the invalidation keys of the tags in Surrogate-Key, Cache-Tag and Cache-Groups. A cache
 * group belongs to its origin, `scope` (RFC 9875, 2).
 */
export function invalidationKeysIn(response: FieldReader, scope: string): InvalidationKey[] {
  const tags = [
    ...(response.get("Surrogate-Key") ?? "").split(/[ ,\t]+/),
    ...splitList(response.get("Cache-Tag") ?? ""),
    ...parseCacheGroups(response.get("Cache-Groups")).map((group) => groupTag(scope, group)),
  ];
  const valid = tags.filter((tag) => tagProblem(tag) === undefined);
  return [...new Set(valid)].map((tag): InvalidationKey => `t:${tag}`);
}

/** Returns the tag that represents a cache group of an origin. */
export function groupTag(scope: string, group: string): string {
  return `group ${scope} ${group}`;
}
