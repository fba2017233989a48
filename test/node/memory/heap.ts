/** Runs a Worker that fills parts of the layer, and measures the bytes that they keep in its isolate. */
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { NOTHING } from "./holding.ts";
import { bundleForWorkerd } from "../../../tools/package/bundle.ts";
import { liveBytes, V8_FLAGS } from "../../../tools/heap/live-bytes.ts";

/** Compiled code of a function keeps objects of its last call in memory. */
const FLAGS = `${V8_FLAGS} --no-opt --no-maglev --no-sparkplug`;

export interface Heap extends AsyncDisposable {
  /** Fills the part with this name. Returns the growth of the heap, and the answer of the Worker. */
  fill(name: string): Promise<{ readonly bytes: number; readonly answer: unknown }>;
}

/** Starts a Worker. It is in workerd, because V8 has smaller pointers there than in Node. */
export async function startHeap(main: string): Promise<Heap> {
  process.env["MINIFLARE_WORKERD_V8_FLAGS"] = FLAGS;
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
  const live = () => liveBytes(`ws://${host}/core:user:`);
  const ask = async (path: string) => {
    const response = await fetch(new URL(path, url));
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${text}`);
    return JSON.parse(text) as unknown;
  };
  return {
    async fill(name: string) {
      await ask(NOTHING);
      const before = await live();
      const answer = await ask(`/${name}`);
      return { bytes: (await live()) - before, answer };
    },
    [Symbol.asyncDispose]: () => miniflare.dispose(),
  };
}
