/** The admin tokens, from the variables ADMIN_TOKEN and ADMIN_TOKENS. */

export const ADMIN_ROLES = ["scrape", "read", "purge", "all"] as const;
/** The role of an admin token: it says which routes the token opens. */
export type AdminRole = (typeof ADMIN_ROLES)[number];

/** One admin token. Tokens that replace each other may have the same name. */
export interface AdminToken {
  /** The name that audit records show. */
  readonly name: string;
  /** The role of the holder: `scrape`, `read`, `purge` or `all`. */
  readonly role: AdminRole;
  /** The secret: 24 to 512 visible ASCII characters. */
  readonly token: string;
}

export const ADMIN_TOKEN_PATTERN = /^[\x21-\x7e]{24,512}$/;
const ENTRY_PATTERN = /^([\w.@~-]{1,64}):(scrape|read|purge|all):([\x21-\x7e]{24,512})$/;

/**
 * Parses entries `<name>:<role>:<token>`, separated by commas or new lines. Undefined if an entry is
 * malformed.
 */
export function parseAdminTokens(text: string): readonly AdminToken[] | undefined {
  if (text.trim() === "") return [];
  const tokens: AdminToken[] = [];
  for (const entry of text.split(/[,\n]/)) {
    const match = ENTRY_PATTERN.exec(entry.trim());
    if (match === null) return undefined;
    const [, name = "", role, token = ""] = match;
    tokens.push({ name, role: role as AdminRole, token });
  }
  return tokens;
}

/**
 * Returns whether one token has two names or two roles. Entries that are equal are allowed: a
 * variable can then take over a token before the other one gives it up.
 */
export function hasConflicts(tokens: readonly AdminToken[]): boolean {
  const meanings = new Map<string, string>();
  return tokens.some(({ name, role, token }) => {
    const meaning = meanings.get(token) ?? `${name}:${role}`;
    meanings.set(token, meaning);
    return meaning !== `${name}:${role}`;
  });
}
