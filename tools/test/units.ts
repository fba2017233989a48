/** Finds the tests that need neither the bindings of the Worker nor local services. */
import { globSync } from "node:fs";
import { inAnyImport } from "./test-files.ts";

/** Modules of the runtime that give a test its bindings. */
const WITH_BINDINGS = new Set(["cloudflare:workers", "cloudflare:test"]);

/**
 * The paths among `patterns` that import no module with bindings, neither themselves nor through another
 * file of `test`. Sources in `src` get their bindings from the test, so they are not followed.
 */
export function unitTests(patterns: readonly string[], exclude: readonly string[]): string[] {
  const hasBindings = inAnyImport(".", ({ imports }) =>
    imports.some((name) => WITH_BINDINGS.has(name)),
  );
  return globSync([...patterns], { exclude: [...exclude] })
    .filter((path) => !hasBindings(path))
    .toSorted();
}
