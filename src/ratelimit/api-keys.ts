/** Users by API key. Only digests of keys are held, stored or compared. */
import { createBoundedMap } from "../core/bounded-map.ts";
import { DefinitionError } from "../core/faults.ts";
import { sha256Hex } from "../core/sha256.ts";
import type { User, UserSource } from "./identity.ts";

export interface ApiKeysOptions {
  /** Default "X-API-Key". */
  readonly header?: string;
  /** Users by the SHA-256 of their key, in lower-case hex. */
  readonly users: ReadonlyMap<string, User>;
  /** Takes any key for a user of its own: for development, where no keys are known. */
  readonly acceptAny?: boolean;
}

/** Digests that are remembered, so that a known caller costs no hash. */
const MAX_REMEMBERED = 1_000;
const MAX_KEY_LENGTH = 512;

export function apiKeys({
  header = "X-API-Key",
  users,
  acceptAny = false,
}: ApiKeysOptions): UserSource {
  // Without any user there is nothing to look for.
  if (users.size === 0 && !acceptAny) return () => undefined;
  const remembered = createBoundedMap<string, User>(MAX_REMEMBERED);

  async function look(key: string): Promise<User | undefined> {
    const digest = await sha256Hex(key);
    // Unknown keys are not remembered: anyone can send as many as they like.
    const user =
      users.get(digest) ?? (acceptAny ? { id: `key-${digest.slice(0, 32)}` } : undefined);
    if (user !== undefined) remembered.set(key, user);
    return user;
  }

  return (c) => {
    const key = c.req.header(header);
    if (key === undefined || key === "" || key.length > MAX_KEY_LENGTH) return undefined;
    return remembered.get(key) ?? look(key);
  };
}

/**
 * Reads `<sha-256 of the key> <user> [plan]`, separated by commas or new lines.
 *
 * @throws {DefinitionError} naming the entry, not its content.
 */
export function parseApiKeys(text: string): ReadonlyMap<string, User> {
  const entries = text.split(/[,\n]/).map((entry) => entry.trim());
  const users = new Map<string, User>();
  for (const [i, entry] of entries.entries()) {
    if (entry === "") continue;
    const [digest = "", id = "", plan, ...rest] = entry.split(/\s+/);
    const sound =
      /^[0-9a-f]{64}$/.test(digest) && NAME.test(id) && (plan === undefined || NAME.test(plan));
    if (!sound || rest.length > 0)
      throw new DefinitionError(
        "API_KEYS",
        `entry ${i + 1} must be: <sha-256 in hex> <user> [plan]`,
      );
    users.set(digest, { id, ...(plan !== undefined && { plan }) });
  }
  return users;
}

const NAME = /^[\w.@~-]{1,128}$/;
