/** Asks an isolate of workerd for its live bytes, over the inspector's protocol. */
import { setTimeout as sleep } from "node:timers/promises";

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly context?: { readonly id: number } };
  readonly result?: Readonly<Record<string, number>>;
}

/** workerd needs this flag of V8 so that `liveBytes` can collect garbage. */
export const V8_FLAGS = "--expose-gc";

/** A collection that frees fewer bytes than this frees no more of what the isolate held. */
const SAME_BYTES = 16_384;

/** Returns the bytes of V8's heap and of the buffers outside it, after full garbage collections. */
export async function liveBytes(inspector: string): Promise<number> {
  const socket = new WebSocket(inspector);
  const opened = Promise.withResolvers<void>();
  const context = Promise.withResolvers<number>();
  const replies = new Map<number, (result: Readonly<Record<string, number>>) => void>();
  socket.addEventListener("open", () => opened.resolve());
  socket.addEventListener("error", () => opened.reject(new Error(`no inspector at ${inspector}`)));
  socket.addEventListener("message", ({ data }) => {
    const { id, method, params, result } = JSON.parse(String(data)) as Reply;
    if (method === "Runtime.executionContextCreated" && params?.context !== undefined)
      context.resolve(params.context.id);
    if (id !== undefined) replies.get(id)?.(result ?? {});
  });
  let last = 0;
  const call = (method: string, params = {}): Promise<Readonly<Record<string, number>>> => {
    const { promise, resolve } = Promise.withResolvers<Readonly<Record<string, number>>>();
    replies.set(++last, resolve);
    socket.send(JSON.stringify({ id: last, method, params }));
    return promise;
  };
  try {
    await opened.promise;
    await call("Runtime.enable");
    const contextId = await context.promise;
    let least = Number.POSITIVE_INFINITY;
    for (;;) {
      await call("Runtime.evaluate", { expression: "gc()", contextId });
      const { usedSize = 0, backingStorageSize = 0 } = await call("Runtime.getHeapUsage");
      const live = usedSize + backingStorageSize;
      if (live > least - SAME_BYTES) return Math.min(live, least);
      least = live;
      // The runtime frees buffers a moment after the collection.
      await sleep(20);
    }
  } finally {
    socket.close();
  }
}
