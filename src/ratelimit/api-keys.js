/** Users by API key. Only digests of keys are held, stored or compared. */
import { DefinitionError } from "../core/faults.ts";
/** Digests that are remembered, so that a known caller costs no hash. */
const MAX_REMEMBERED = 1000;
const MAX_KEY_LENGTH = 512;
export function apiKeys({ header = "X-API-Key", users, acceptAny = false }) {
  const remembered = new Map();
  function remember(key, user) {
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(key, user);
    return user;
  }
  async function look(key) {
    const digest = await sha256(key);
    // Unknown keys are not remembered: anyone can send as many as they like.
    const user =
      users.get(digest) ?? (acceptAny ? { id: `key-${digest.slice(0, 32)}` } : undefined);
    return user === undefined ? undefined : remember(key, user);
  }
  return (c) => {
    const key = c.req.header(header);
    if (key === undefined || key === "" || key.length > MAX_KEY_LENGTH) return undefined;
    return remembered.get(key) ?? look(key);
  };
}
async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
/**
 * Reads `<sha-256 of the key> <user> [plan]`, separated by commas or new lines.
 *
 * @throws {DefinitionError} naming the entry, not its content.
 */
export function parseApiKeys(text) {
  const entries = text.split(/[,\n]/).map((entry) => entry.trim());
  const users = new Map();
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
