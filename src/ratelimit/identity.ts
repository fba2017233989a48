/** Identifies the client of a request, by fields that the client cannot forge. */
import type { Context as HonoContext } from "hono";
import { createBoundedMap } from "../core/bounded-map.ts";
import { identityInField, IPV4_PATTERN, PLATFORM_ADDRESS_HEADER } from "../core/client-address.ts";

/** An identified caller. */
export interface User {
  readonly id: string;
  readonly plan?: string;
}

/** The identity of a client that is not counted by address, in development. */
export const FREE = Symbol("free");
/** The identity of a client whose address is not known. Its requests are refused. */
export const UNKNOWN = Symbol("unknown");

export type ClientAddress = string | typeof FREE | typeof UNKNOWN;

export interface Identities {
  /** Returns the identity of the client's address. */
  address(c: HonoContext): ClientAddress;
  /** Returns the user, if a source identifies one. The result is a promise only if a source returns one. */
  user(c: HonoContext): User | undefined | Promise<User | undefined>;
  /** Returns the same, or else the user of the request's session, which may need a command of Redis. */
  userOrSession(c: HonoContext): Promise<User | undefined>;
}

/** Identifies users by one kind of credential. */
export interface UserSource {
  /** The request field that holds the credential. */
  readonly header: string | undefined;
  userOf(credential: string): User | undefined | Promise<User | undefined>;
}

export interface IdentitiesOptions {
  /**
   * The request field with the client's address. The network in front of the Worker must set it and
   * overwrite what a client sends. At Cloudflare's edge that is `CF-Connecting-IP`. It also counts
   * for a request that lacks the configured field, because such a client has gone around the proxy.
   */
  readonly addressHeader: string;
  /** For development: requests without an address, or with a loopback address, are not counted by address. */
  readonly localIsFree: boolean;
  /** The sources of users, asked in this order. The first source that identifies the caller decides. */
  readonly users: readonly UserSource[];
  /** Returns the user of the request's session. Default: there are no sessions. */
  readonly sessionUser?: (c: HonoContext) => Promise<User | undefined>;
}

/**
 * At most this many parsed texts are remembered. IPv4 addresses are not among them, because their
 * text is the identity.
 */
const MAX_PARSED = 1_000;
const MAX_ADDRESS_LENGTH = 64;

export function createIdentities(options: IdentitiesOptions): Identities {
  const { addressHeader, localIsFree, users, sessionUser } = options;
  const parsed = createBoundedMap<string, ClientAddress>(MAX_PARSED);

  const orFree = (address: string): ClientAddress =>
    localIsFree && isLoopback(address) ? FREE : address;

  function parse(value: string): ClientAddress {
    const found = identityInField(value);
    const identity = found === undefined ? UNKNOWN : orFree(found);
    if (value.length <= MAX_ADDRESS_LENGTH) parsed.set(value, identity);
    return identity;
  }

  function userFrom(c: HonoContext, start: number): User | undefined | Promise<User | undefined> {
    for (let i = start; i < users.length; i++) {
      const { header, userOf } = users[i]!;
      const credential = header === undefined ? undefined : c.req.header(header);
      const user = credential === undefined ? undefined : userOf(credential);
      if (user instanceof Promise) return user.then((found) => found ?? userFrom(c, i + 1));
      if (user !== undefined) return user;
    }
    return undefined;
  }

  return {
    address(c) {
      const value = c.req.header(addressHeader) ?? c.req.header(PLATFORM_ADDRESS_HEADER);
      if (value === undefined) return localIsFree ? FREE : UNKNOWN;
      return IPV4_PATTERN.test(value) ? orFree(value) : (parsed.get(value) ?? parse(value));
    },
    user: (c) => userFrom(c, 0),
    userOrSession: async (c) => (await userFrom(c, 0)) ?? sessionUser?.(c),
  };
}

function isLoopback(identity: string): boolean {
  return identity.startsWith("127.") || identity === LOOPBACK_IPV6;
}

/** The identity of the IPv6 loopback address `::1`, which is its /64. */
const LOOPBACK_IPV6 = "0:0:0:0::/64";
