/** Measures entries of the package as the bundler of an application would build them. */
import { build } from "esbuild";
import { gzipSync } from "node:zlib";

export interface EntrySize {
  /** The minified bundle, gzipped. */
  readonly gzip: number;
  /** The minified bundle. */
  readonly raw: number;
  /** The packages that modules of the bundle import, sorted, with the modules of the platform. */
  readonly imports: readonly string[];
}

/**
 * Bundles these modules together and minifies them. Modules of the platform are never part of the
 * bundle; installed packages are with `packages: "bundle"`.
 */
export async function measure(
  root: string,
  sources: readonly string[],
  packages: "bundle" | "external",
): Promise<EntrySize> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    stdin: {
      contents: sources.map((source) => `export * from "./${source}";`).join("\n"),
      resolveDir: root,
      loader: "ts",
    },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    packages,
    external: ["cloudflare:*", "node:*"],
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const [bundle] = outputFiles;
  if (bundle === undefined) throw new Error("esbuild made no bundle");
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  return {
    gzip: gzipSync(bundle.contents).byteLength,
    raw: bundle.contents.byteLength,
    imports: [...new Set(imports.map(({ path }) => packageOf(path)))].toSorted(),
  };
}

/** Returns the package of a module: `drizzle-orm` of `drizzle-orm/pg-core`. */
function packageOf(specifier: string): string {
  if (specifier.includes(":")) return specifier;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
