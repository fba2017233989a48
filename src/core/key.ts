import { DefinitionError } from "./faults.ts";

/** The maximum length of a key in characters, because keys become parts of URLs and of Redis keys. */
export const MAX_KEY_LENGTH = 512;

/** Returns the reason why a key is invalid, or undefined if it is valid. */
export function keyProblem(key: string): string | undefined {
  if (key.length === 0) return "a key must not be empty";
  if (key.length > MAX_KEY_LENGTH) return `a key has at most ${MAX_KEY_LENGTH} characters`;
  if (!/^[\x21-\x7e]+$/.test(key)) return "a key has visible ASCII only: use key()";
  if (!key.includes(":")) return "a key needs a kind: `kind:id`";
  return undefined;
}

/** Returns the key. @throws {DefinitionError} if it is invalid. */
export function checkKey(key: string): string {
  const problem = keyProblem(key);
  if (problem !== undefined) throw new DefinitionError("key", problem);
  return key;
}

/**
 * Builds a cache key `kind:part:part…`. Parts are percent-encoded, so that a part that contains `:`
 * cannot produce a key of another kind.
 *
 * @throws {DefinitionError} if the key would be longer than 512 characters.
 * @example
 * key("product", 42); // "product:42"
 * key("page", "de", "a:b"); // "page:de:a%3Ab"
 */
export function key(kind: string, ...parts: readonly KeyPart[]): string {
  return build(kind, "", parts);
}

export type KeyPart = string | number;

/** The version and tenant of the keys that `keysOf` builds. */
export interface KeyScope {
  /** The version of the shape of the values, or of the deployment. A new version starts without entries. */
  readonly version?: string;
  /** The owner of the values. Two tenants never have equal keys. */
  readonly tenant?: string;
}

/**
 * Returns a key builder for one version and one tenant: `kind.version:@tenant:part…`. The prefix
 * `kind.version:@tenant:` purges all of a tenant's values of that kind.
 *
 * @throws {DefinitionError} if the version has characters other than letters, digits, `_` and `-`.
 * @example
 * const keyOfAda = keysOf({ version: "v2", tenant: "ada" });
 * keyOfAda("cart", 1); // "cart.v2:@ada:1"
 */
export function keysOf({ version, tenant }: KeyScope): typeof key {
  if (version !== undefined && !/^[\w-]{1,64}$/.test(version))
    throw new DefinitionError("version", "must be 1 to 64 letters, digits, _ or -");
  if (tenant === "") throw new DefinitionError("tenant", "must not be empty");
  const suffix = version === undefined ? "" : `.${version}`;
  // An "@" in a part is percent-encoded, so that no part can be mistaken for a tenant.
  const owner = tenant === undefined ? "" : `@${encodePart(tenant)}:`;
  return (kind, ...parts) => build(kind, `${suffix}:${owner}`, parts);
}

/** Returns the tenant in a key of `keysOf`, as the key writes it; undefined if the key has none. */
export function tenantIn(built: string): string | undefined {
  return /^[^:]*:@([^:]+):/.exec(built)?.[1];
}

function build(kind: string, scope: string, parts: readonly KeyPart[]): string {
  if (!/^[a-z][a-z0-9-]*$/.test(kind))
    throw new DefinitionError("key", "a kind is lower-case letters, digits and hyphens");
  if (parts.length === 0) throw new DefinitionError("key", "a key needs at least one part");
  return checkKey(`${kind}${scope || ":"}${parts.map(textOf).join(":")}`);
}

/** Writes a part. The digits of a whole number need no encoding. */
function textOf(part: KeyPart): string {
  return Number.isSafeInteger(part) ? `${part}` : encodePart(String(part));
}

/** Returns a part as `key` writes it: percent-encoded, so that it has neither `:` nor `@` nor `+`. */
export function encodePart(part: string): string {
  if (part.length > MAX_KEY_LENGTH)
    throw new DefinitionError("key", `a key has at most ${MAX_KEY_LENGTH} characters`);
  return part.isWellFormed() ? encodeURIComponent(part) : Array.from(part, encodeUnit).join("");
}

/**
 * Encodes one character. A lone surrogate has no UTF-8 form, so it becomes `%uXXXX`. This is
 * unique, because `%` itself is encoded.
 */
function encodeUnit(unit: string): string {
  return unit.isWellFormed()
    ? encodeURIComponent(unit)
    : `%u${unit.charCodeAt(0).toString(16).toUpperCase()}`;
}
