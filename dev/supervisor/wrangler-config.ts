import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

interface DurableObjectBinding {
  readonly name: string;
  readonly class_name: string;
  readonly script_name?: string;
}

/** A wrangler configuration and its path. */
export interface WranglerConfig {
  readonly file: string;
  readonly raw: RawConfig;
}

interface RawConfig {
  readonly name?: string;
  readonly main?: string;
  readonly tsconfig?: string;
  readonly assets?: { readonly directory?: string };
  /** Modules by the name that imports give; a path begins with a dot. */
  readonly alias?: Readonly<Record<string, string>>;
  readonly durable_objects?: { readonly bindings?: readonly DurableObjectBinding[] };
  readonly triggers?: { readonly crons?: readonly string[] };
  readonly [other: string]: unknown;
}

/**
 * Reads a wrangler configuration in any of wrangler's formats. Rejects with wrangler's error if it
 * is malformed.
 */
export async function readWranglerConfig(file: string): Promise<WranglerConfig> {
  // wrangler takes 1 s to load, and not every start gets this far.
  const { experimental_readRawConfig: readRawConfig } = await import("wrangler");
  return { file: resolve(file), raw: readRawConfig({ config: file }).rawConfig as RawConfig };
}

/** The name that wrangler gives a Worker without one. */
const UNNAMED = "worker";

/** Returns the name of the first instance. */
export function nameOf({ raw }: WranglerConfig): string {
  return raw.name ?? UNNAMED;
}

/** Returns the schedules of the cron handler. */
export function cronsOf({ raw }: WranglerConfig): readonly string[] {
  return [...new Set(raw.triggers?.crons ?? [])];
}

/**
 * Returns the configuration of a further instance: the same Worker under another name. Its Durable
 * Object bindings name the script of the first instance, which alone runs the objects.
 */
export function furtherInstance(
  config: WranglerConfig,
  instance: number,
): Record<string, unknown> & { readonly name: string } {
  const { file, raw } = config;
  const first = nameOf(config);
  const absolute = (path: string): string => resolve(dirname(file), path);
  const { migrations: _classesLiveInTheFirst, triggers: _soDoCrons, ...rest } = raw;
  return {
    ...rest,
    name: `${first}-${instance}`,
    ...(raw.main === undefined ? {} : { main: absolute(raw.main) }),
    ...(raw.tsconfig === undefined ? {} : { tsconfig: absolute(raw.tsconfig) }),
    ...(raw.assets?.directory === undefined
      ? {}
      : { assets: { ...raw.assets, directory: absolute(raw.assets.directory) } }),
    ...(raw.alias === undefined
      ? {}
      : {
          alias: Object.fromEntries(
            Object.entries(raw.alias).map(([name, module]) => [
              name,
              module.startsWith(".") ? absolute(module) : module,
            ]),
          ),
        }),
    ...(raw.durable_objects === undefined
      ? {}
      : {
          durable_objects: {
            ...raw.durable_objects,
            bindings: (raw.durable_objects.bindings ?? []).map((binding) => ({
              script_name: first,
              ...binding,
            })),
          },
        }),
  };
}

/** Writes a configuration into a folder, and returns the path. */
export function writeWranglerConfig(folder: string, config: object): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "wrangler.json");
  writeFileSync(file, JSON.stringify(config, null, 2));
  return file;
}
