import type { Breaker } from "../core/breaker.ts";

/** Returns the breaker of the object with this name. */
export type BreakerOf = (name: string) => Breaker;

/**
 * Creates a breaker for each object at its first call. An object that fails does not stop calls of the others, and
 * a probe asks the object that has failed. The names are those of the shards, so that there are at most as many.
 */
export function createObjectBreakers(create: (name: string) => Breaker): BreakerOf {
  const breakers = new Map<string, Breaker>();
  return (name) => {
    let breaker = breakers.get(name);
    if (breaker === undefined) breakers.set(name, (breaker = create(name)));
    return breaker;
  };
}
