/** Identifies the client of a request, by fields that the client cannot forge. */
import type { Context as HonoContext } from "hono";
import { createBoundedMap } from "../core/bounded-map.ts";
import { addressIdentity, IPV4_PATTERN } from "./client-address.ts";

/** An identified caller. */
export interface User {
  readonly id: string;
  readonly plan?: string;
}

export interface Identities {
  /** Returns the identity of the client's address. Undefined for a client that is not counted by address. */
  address(c: HonoContext): string | undefined;
  /** Returns the user, if a source identifies one. The result is a promise only if a source returns one. */
  user(c: HonoContext): User | undefined | Promise<User | undefined>;
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
   * overwrite what a client sends. At Cloudflare's edge that is `CF-Connecting-IP`.
   */
  readonly addressHeader: string;
  /** For development: requests without an address, or with a loopback address, are not counted by address. */
  readonly localIsFree: boolean;
  /** The sources of users, asked in this order. The first source that identifies the caller decides. */
  readonly users: readonly UserSource[];
}

/** All requests whose address is missing or malformed share this account. */
const NO_ADDRESS = "none";
const FREE = "free";

/**
 * At most this many parsed texts are remembered. IPv4 addresses are not among them, because their
 * text is the identity.
 */
const MAX_PARSED = 1_000;
const MAX_ADDRESS_LENGTH = 64;

export function createIdentities(options: IdentitiesOptions): Identities {
  const { addressHeader, localIsFree, users } = options;
  const parsed = createBoundedMap<string, string>(MAX_PARSED);

  const orFree = (address: string): string => (localIsFree && isLoopback(address) ? FREE : address);

  function parse(value: string): string {
    // A proxy appends the address that it has seen, so the last element of a list is used.
    const last = value.slice(value.lastIndexOf(",") + 1);
    const identity = orFree(addressIdentity(last) ?? NO_ADDRESS);
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
      const value = c.req.header(addressHeader);
      if (value === undefined) return localIsFree ? undefined : NO_ADDRESS;
      const identity = IPV4_PATTERN.test(value)
        ? orFree(value)
        : (parsed.get(value) ?? parse(value));
      return identity === FREE ? undefined : identity;
    },
    user: (c) => userFrom(c, 0),
  };
}

function isLoopback(identity: string): boolean {
  return identity.startsWith("127.") || identity === LOOPBACK_IPV6;
}

/** The identity of the IPv6 loopback address `::1`, which is its /64. */
const LOOPBACK_IPV6 = "0:0:0:0::/64";
