/** Finds the tests that need neither the bindings of the Worker nor local services. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path/posix";

/** Modules of the runtime that give a test its bindings. */
const WITH_BINDINGS = new Set(["cloudflare:workers", "cloudflare:test"]);

/**
 * The paths among `patterns` that import no module with bindings, neither themselves nor through another
 * file of `test`. Sources in `src` get their bindings from the test, so they are not followed.
 */
export function unitTests(patterns: readonly string[], exclude: readonly string[]): string[] {
  const known = new Map<string, boolean>();

  function hasBindings(path: string): boolean {
    const before = known.get(path);
    if (before !== undefined) return before;
    known.set(path, false);
    const imported = [...readFileSync(path, "utf8").matchAll(/\bfrom "([^"]+)"/g)];
    const found = imported.some(([, name = ""]) => {
      if (WITH_BINDINGS.has(name)) return true;
      const file = name.startsWith(".") ? join(path, "..", name) : "";
      return file.startsWith("test/") && file.endsWith(".ts") && hasBindings(file);
    });
    known.set(path, found);
    return found;
  }

  return globSync([...patterns], { exclude: [...exclude] })
    .filter((path) => !hasBindings(path))
    .toSorted();
}
