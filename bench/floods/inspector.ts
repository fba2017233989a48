/** Asks an isolate of workerd for its live bytes, over the inspector's protocol. */

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly context?: { readonly id: number } };
  readonly result?: Readonly<Record<string, number>>;
}

/** workerd needs this flag of V8 so that `liveBytes` can collect garbage. */
export const V8_FLAGS = "--expose-gc";

/** Returns the bytes of V8's heap and of the buffers outside it, after a full garbage collection. */
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
    await call("Runtime.evaluate", { expression: "gc()", contextId: await context.promise });
    const { usedSize = 0, backingStorageSize = 0 } = await call("Runtime.getHeapUsage");
    return usedSize + backingStorageSize;
  } finally {
    socket.close();
  }
}
