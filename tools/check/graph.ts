import { dirname, join, normalize } from "node:path/posix";

/** The files that each file imports, as paths relative to the root. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/** Resolves a relative specifier, seen from a file, to a path. */
export function resolveRelative(from: string, specifier: string): string {
  return normalize(join(dirname(from), specifier));
}

/** Returns one circle for each group of files that import each other, as the files along it. */
export function cycles(graph: Graph): readonly (readonly string[])[] {
  const done = new Set<string>();
  const path: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) {
      circles.push([...path.slice(at), file]);
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return circles;
}
