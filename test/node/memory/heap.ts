/** Runs a Worker that fills parts of the layer, and measures the bytes that they keep in its isolate. */
import { NOTHING } from "./holding.ts";
import { NOT_COMPILED, startInspected } from "./workerd.ts";
import { GC_FLAG, liveBytes } from "../../../tools/heap/live-bytes.ts";

export interface Heap extends AsyncDisposable {
  /** Fills the part with this name. Returns the growth of the heap, and the answer of the Worker. */
  fill(name: string): Promise<{ readonly bytes: number; readonly answer: unknown }>;
}

export async function startHeap(main: string): Promise<Heap> {
  const worker = await startInspected(main, `${GC_FLAG} ${NOT_COMPILED}`);
  const live = () => liveBytes(worker.inspector);
  const ask = async (path: string) => {
    const response = await fetch(new URL(path, worker.url));
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
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
}
