/** Users by API key. Keys are compared by their SHA-256; only keys that were sent are held in memory. */
import { createBoundedMap } from "../core/bounded-map.ts";
import { DefinitionError } from "../core/faults.ts";
import { sha256Hex } from "../core/sha256.ts";
import type { User, UserSource } from "./identity.ts";

export interface ApiKeysOptions {
  /** The request field that holds the key. Default "X-API-Key". */
  readonly header?: string;
  /** Users by the SHA-256 of their key, in lower-case hex. */
  readonly users: ReadonlyMap<string, User>;
  /** For development: any key is accepted, and each key is a user of its own. Default false. */
  readonly acceptAny?: boolean;
}

/** At most this many keys of known users are remembered, so that most requests need no hash. */
const MAX_REMEMBERED = 1_000;
const MAX_KEY_LENGTH = 512;

export function apiKeys({
  header = "X-API-Key",
  users,
  acceptAny = false,
}: ApiKeysOptions): UserSource {
  const canFindUsers = users.size > 0 || acceptAny;
  const remembered = createBoundedMap<string, User>(MAX_REMEMBERED);

  async function find(key: string): Promise<User | undefined> {
    const digest = await sha256Hex(key);
    const user =
      users.get(digest) ?? (acceptAny ? { id: `key-${digest.slice(0, 32)}` } : undefined);
    // Unknown keys are not remembered, because a client could fill the map with them.
    if (user !== undefined) remembered.set(key, user);
    return user;
  }

  return {
    // Without users no request needs to be read.
    header: canFindUsers ? header : undefined,
    userOf(key) {
      if (key === "" || key.length > MAX_KEY_LENGTH) return undefined;
      return remembered.get(key) ?? find(key);
    },
  };
}

const NAME_PATTERN = /^[\w.@~-]{1,128}$/;

/**
 * Parses entries `<sha-256 of the key, in hex> <user> [plan]`, separated by commas or new lines.
 *
 * @throws {DefinitionError} that names the position of a malformed entry. It does not repeat the
 *   entry, which may hold a secret.
 */
export function parseApiKeys(text: string): ReadonlyMap<string, User> {
  const entries = text.split(/[,\n]/).map((entry) => entry.trim());
  const users = new Map<string, User>();
  for (const [i, entry] of entries.entries()) {
    if (entry === "") continue;
    const [digest = "", id = "", plan, ...rest] = entry.split(/\s+/);
    const isValid =
      /^[0-9a-f]{64}$/.test(digest) &&
      NAME_PATTERN.test(id) &&
      (plan === undefined || NAME_PATTERN.test(plan));
    if (!isValid || rest.length > 0)
      throw new DefinitionError(
        "API_KEYS",
        `entry ${i + 1} must be: <sha-256 in hex> <user> [plan]`,
      );
    users.set(digest, { id, ...(plan !== undefined && { plan }) });
  }
  return users;
}
