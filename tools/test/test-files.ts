/** Follows the imports among the files of `test`. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path/posix";

const IMPORT = /\bfrom "([^"]+)"/g;

export interface TestFile {
  /** From the root of the project, as all paths here. */
  readonly path: string;
  readonly text: string;
  /** The paths of the project's files that it imports, and the names of packages. */
  readonly imports: readonly string[];
}

/**
 * Returns a function that says whether `holds` is true of a file of `test`, or of one that it imports, itself
 * or through other files of `test`. Other files are not followed.
 */
export function inAnyImport(
  root: string,
  holds: (file: TestFile) => boolean,
): (path: string) => boolean {
  const known = new Map<string, { readonly isHeld: boolean; readonly next: readonly string[] }>();

  function look(path: string) {
    const before = known.get(path);
    if (before !== undefined) return before;
    const file = readTestFile(root, path);
    const next = file.imports.filter(
      (name) => name.startsWith("test/") && name.endsWith(".ts") && existsSync(join(root, name)),
    );
    const found = { isHeld: holds(file), next };
    known.set(path, found);
    return found;
  }

  return (path) => {
    const reached = new Set([path]);
    for (const each of reached) {
      const { isHeld, next } = look(each);
      if (isHeld) return true;
      for (const name of next) reached.add(name);
    }
    return false;
  };
}

function readTestFile(root: string, path: string): TestFile {
  const text = readFileSync(join(root, path), "utf8");
  const imports = [...text.matchAll(IMPORT)].map(([, name = ""]) =>
    name.startsWith(".") ? join(path, "..", name) : name,
  );
  return { path, text, imports };
}
