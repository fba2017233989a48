/** Starts a Worker in workerd with flags of V8, and gives its URL and the URL of its inspector. */
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { bundleForWorkerd } from "../../../tools/package/bundle.ts";

export interface InspectedWorker extends AsyncDisposable {
  readonly url: URL;
  readonly inspector: string;
}

/** Compiled code of a function keeps objects of its last call in memory, and allocates less than other code. */
export const NOT_COMPILED = "--no-opt --no-maglev --no-sparkplug";

/** Starts the Worker of a module. It is in workerd, because V8 has smaller pointers there than in Node. */
export async function startInspected(main: string, flags: string): Promise<InspectedWorker> {
  process.env["MINIFLARE_WORKERD_V8_FLAGS"] = flags;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: await bundleForWorkerd(main),
      compatibilityDate: "2026-11-02",
      compatibilityFlags: ["nodejs_als"],
      inspectorPort: 0,
    }),
  );
  const url = await miniflare.ready;
  const { host } = await miniflare.getInspectorURL();
  return {
    url,
    inspector: `ws://${host}/core:user:`,
    [Symbol.asyncDispose]: () => miniflare.dispose(),
  };
}
