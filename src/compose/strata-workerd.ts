/** The data cache in workerd, which has `waitUntil` for work without an execution context. */
import type { DataOptions } from "../data/options.ts";
import type { Strata } from "../data/strata.ts";
import { keepAlive } from "../keep-alive.ts";
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
  return createDataLayer(options, platform, keepAlive);
}
