/** Runs the bundled Workers in workerd without `wrangler dev` in front of them. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { unstable_getMiniflareWorkerOptions as optionsOf } from "wrangler";

const ROOT = join(import.meta.dirname, "../..");

/** The part of miniflare that is used here. It comes with wrangler. */
interface Miniflare {
  readonly ready: Promise<URL>;
  unsafeGetDirectURL(worker: string): Promise<URL>;
  getInspectorURL(): Promise<URL>;
  dispose(): Promise<void>;
}
const { Miniflare, convertV4MiniflareOptions } = createRequire(
  createRequire(import.meta.url).resolve("wrangler/package.json"),
)("miniflare") as {
  Miniflare: new (options: unknown) => Miniflare;
  convertV4MiniflareOptions(options: unknown): unknown;
};

export interface DataCentre {
  /** One URL per isolate. */
  readonly urls: readonly string[];
  /** The WebSocket URL of the inspector of each isolate, if they are inspected. */
  readonly inspectors: readonly string[];
  close(): Promise<void>;
}

export interface DataCentreOptions {
  readonly isolates: number;
  readonly bindings: Readonly<Record<string, string>>;
  /** True if the script has the Durable Objects of the project's wrangler.toml. */
  readonly objects: boolean;
  /** Bindings of Durable Objects that the isolates do not get. */
  readonly without?: readonly string[];
  /** True if each isolate has an inspector. */
  readonly inspected?: boolean;
  /** The checkout whose wrangler.toml names the Durable Objects. Default: this one. */
  readonly checkout?: string;
}

/** Returns the Durable Objects of a checkout's wrangler.toml, by the names of their bindings. */
export function objectBindings(checkout: string = ROOT): Readonly<Record<string, object>> {
  const { workerOptions } = optionsOf(join(checkout, "wrangler.toml"));
  return workerOptions.durableObjects as Record<string, object>;
}

/**
 * Starts the isolates of one data centre. Each has its own memory; all share one Cache API and one
 * set of objects.
 */
export async function startDataCentre(
  script: string,
  options: DataCentreOptions,
): Promise<DataCentre> {
  const { isolates, bindings, objects, without = [], inspected = false } = options;
  const { checkout = ROOT } = options;
  const { workerOptions } = optionsOf(join(checkout, "wrangler.toml"));
  const { compatibilityDate, compatibilityFlags } = workerOptions;
  const durableObjects = Object.fromEntries(
    Object.entries(objects ? objectBindings(checkout) : {}).filter(
      ([name]) => !without.includes(name),
    ),
  );
  const names = Array.from({ length: isolates }, (_, at) => `isolate-${at}`);
  const first = names[0] ?? "";
  const workers = names.map((name) => ({
    name,
    modules: true,
    script,
    compatibilityDate,
    compatibilityFlags,
    bindings,
    durableObjects:
      name === first
        ? durableObjects
        : Object.fromEntries(
            Object.entries(durableObjects).map(([binding, object]) => [
              binding,
              { ...object, scriptName: first },
            ]),
          ),
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  }));
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      workers,
      ...(inspected && { inspectorPort: 0 }),
    }),
  );
  await runtime.ready;
  const urls = await Promise.all(
    names.map(async (name) => (await runtime.unsafeGetDirectURL(name)).origin),
  );
  const inspector = inspected ? (await runtime.getInspectorURL()).host : undefined;
  const inspectors = names.flatMap((name) =>
    inspector === undefined ? [] : [`ws://${inspector}/core:user:${name}`],
  );
  return { urls, inspectors, close: () => runtime.dispose() };
}
