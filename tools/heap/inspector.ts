/** A session with the inspector of an isolate of workerd. */

interface Reply<Result> {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly context?: { readonly id: number } };
  readonly result?: Result;
  readonly error?: { readonly message: string };
}

export interface Inspector extends Disposable {
  /** Calls a method of the inspector's protocol. Rejects with the inspector's message if it refuses. */
  call<Result>(method: string, params?: object): Promise<Result>;
  /** Resolves with the id of the context in which code runs. Call `Runtime.enable` first. */
  readonly contextId: Promise<number>;
}

/** Opens a session. Rejects if nothing answers at this WebSocket URL. */
export async function openInspector(url: string): Promise<Inspector> {
  const socket = new WebSocket(url);
  const opened = Promise.withResolvers<void>();
  const context = Promise.withResolvers<number>();
  const replies = new Map<number, (reply: Reply<unknown>) => void>();
  socket.addEventListener("close", () => {
    const error = { message: "the isolate has ended" };
    for (const settle of replies.values()) settle({ error });
  });
  socket.addEventListener("open", () => opened.resolve());
  socket.addEventListener("error", () => opened.reject(new Error(`no inspector at ${url}`)));
  socket.addEventListener("message", ({ data }) => {
    const reply = JSON.parse(String(data)) as Reply<unknown>;
    const { id, method, params } = reply;
    if (method === "Runtime.executionContextCreated" && params?.context !== undefined)
      context.resolve(params.context.id);
    if (id !== undefined) replies.get(id)?.(reply);
  });
  await opened.promise;
  let last = 0;
  return {
    contextId: context.promise,
    call<Result>(method: string, params: object = {}) {
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      const id = ++last;
      replies.set(id, ({ result, error }) => {
        replies.delete(id);
        if (error === undefined) resolve(result as Result);
        else reject(new Error(`${method}: ${error.message}`));
      });
      socket.send(JSON.stringify({ id, method, params }));
      return promise;
    },
    [Symbol.dispose]: () => socket.close(),
  };
}
