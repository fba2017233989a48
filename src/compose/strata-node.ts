/** The data cache in Node, for tests and scripts. The process keeps work alive itself. */
import { done } from "../core/faults.ts";
import type { Tier } from "../core/tier.ts";
import type { DataOptions } from "../data/options.ts";
import type { Strata } from "../data/strata.ts";
import { platform } from "../platform.ts";
import { createDataLayer } from "./data-layer.ts";

/**
 * Creates the data cache of one isolate. Call it once, at module level: it holds the memory tier and
 * the log view.
 *
 * @throws {DefinitionError} that lists every wrong option
 * @example
 * const strata = createStrata({ namespace: "shop", memory: { maxBytes: 16 * 2 ** 20 } });
 */
export function createStrata(options: DataOptions): Strata {
  return createDataLayer(options, platform, (work) => void work, NO_EDGE);
}

/** Node has no Cache API. */
const NO_EDGE: Tier = {
  name: "edge",
  get: async () => done(undefined),
  set: async () => done(undefined),
  delete: async () => done(undefined),
};
