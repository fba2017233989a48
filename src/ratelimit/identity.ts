/** Who a request is counted for. Never from what a client can write as it likes. */
import { createBoundedMap } from "../core/bounded-map.ts";
import type { Context as HonoContext } from "hono";
import { addressIdentity, isIpv4, isLoopback } from "./client-address.ts";

/** A caller that is known, by a means that cannot be made up. */
export interface User {
  readonly id: string;
  readonly plan?: string;
}

/** The identity port: what sessions, keys and the network say about a request. */
export interface Identities {
  /** The client's address as an identity; undefined for clients that are not counted by it. */
  address(c: HonoContext): string | undefined;
  /** The user, where one is known. */
  user(c: HonoContext): User | undefined | Promise<User | undefined>;
}

/** Tells users of one kind of credential. The first source that knows the caller counts. */
export type UserSource = (c: HonoContext) => User | undefined | Promise<User | undefined>;

export interface IdentitiesOptions {
  /**
   * The header that the network in front of the Worker sets, and overwrites if a
   * client sends it. At Cloudflare's edge that is `CF-Connecting-IP`.
   */
  readonly addressHeader: string;
  /** This machine itself, or a client without an address, is not counted by address: for development. */
  readonly localIsFree: boolean;
  readonly users: readonly UserSource[];
}

/** All clients whose address is missing or no address share one account. */
const NO_ADDRESS = "none";
const FREE = "free";

/** Texts whose identity is remembered: all but IPv4 addresses, which are their own. */
const MAX_ADDRESSES = 1_000;
const MAX_ADDRESS_LENGTH = 64;

export function createIdentities(options: IdentitiesOptions): Identities {
  const { addressHeader, localIsFree, users } = options;
  const addresses = createBoundedMap<string, string>(MAX_ADDRESSES);

  const identityOf = (address: string): string =>
    localIsFree && isLoopback(address) ? FREE : address;

  function remember(value: string): string {
    // A proxy that appends to a list puts what it has seen itself at the end.
    const address = addressIdentity(value.slice(value.lastIndexOf(",") + 1)) ?? NO_ADDRESS;
    const identity = identityOf(address);
    if (value.length <= MAX_ADDRESS_LENGTH) addresses.set(value, identity);
    return identity;
  }

  async function firstOf(c: HonoContext, from: number): Promise<User | undefined> {
    for (const source of users.slice(from)) {
      const user = await source(c);
      if (user !== undefined) return user;
    }
    return undefined;
  }

  return {
    address(c) {
      const value = c.req.header(addressHeader);
      if (value === undefined) return localIsFree ? undefined : NO_ADDRESS;
      const known = isIpv4(value) ? identityOf(value) : (addresses.get(value) ?? remember(value));
      return known === FREE ? undefined : known;
    },

    /** Answers at once as long as its sources do: a promise costs a turn of every request. */
    user(c) {
      for (const [i, source] of users.entries()) {
        const user = source(c);
        if (user instanceof Promise) return user.then((known) => known ?? firstOf(c, i + 1));
        if (user !== undefined) return user;
      }
      return undefined;
    },
  };
}
