import { build } from "esbuild";

export interface BundleOptions {
  /** The folder of the entry and of its packages. */
  readonly root?: string;
  /** Default: false. */
  readonly minify?: boolean;
}

/** Bundles a module for workerd with its packages, as wrangler does. */
export async function bundleForWorkerd(
  entry: string,
  { root = process.cwd(), minify = false }: BundleOptions = {},
): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    write: false,
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}
