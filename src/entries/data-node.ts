/** The values of the entry `strata` where there is no workerd. Its types are those of data.ts. */
export { createStrata } from "../compose/strata-node.ts";
export { key, keysOf } from "../core/key.ts";
export { definePolicy } from "../core/policy.ts";
export { CacheUnavailable, DefinitionError, messageOf } from "../core/faults.ts";
