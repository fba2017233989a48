import { addressIdentity, isLoopback } from "./address.ts";
/** All clients whose address is missing or no address share one account. */
const NO_ADDRESS = "none";
export function createIdentities(options) {
  const { addressHeader, localIsFree, users } = options;
  async function firstOf(c, from) {
    for (const source of users.slice(from)) {
      const user = await source(c);
      if (user !== undefined) return user;
    }
    return undefined;
  }
  return {
    address(c) {
      const value = c.req.header(addressHeader);
      // A proxy that appends to a list puts what it has seen itself at the end.
      const identity = addressIdentity(value?.slice(value.lastIndexOf(",") + 1) ?? "");
      if (localIsFree && (value === undefined || (identity !== undefined && isLoopback(identity))))
        return undefined;
      return identity ?? NO_ADDRESS;
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
