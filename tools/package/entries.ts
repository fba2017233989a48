/** The entries of the package, as `exports` of package.json names them. */
import { readFileSync } from "node:fs";

/** One entry: the name that an application imports, and the module of src that it is compiled from. */
export interface PackageEntry {
  readonly name: string;
  readonly source: string;
}

interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, string | { readonly types: string }>>;
}

/** Lists the entries of the package in a folder. A package without `exports` has none. */
export function entriesOf(root: string): readonly PackageEntry[] {
  const manifest = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as Manifest;
  return Object.entries(manifest.exports ?? {}).flatMap(([path, target]) =>
    typeof target === "string"
      ? []
      : [
          {
            name: manifest.name + path.slice(1),
            source: target.types.replace("./dist/", "src/").replace(/\.d\.ts$/u, ".ts"),
          },
        ],
  );
}
