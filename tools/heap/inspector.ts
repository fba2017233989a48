/** A session with the inspector of an isolate of workerd. */

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly context?: { readonly id: number } };
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

export interface Inspector extends Disposable {
  /**
   * Calls a method of the inspector's protocol.
   *
   * @throws if the inspector refuses the call, or if the session has ended.
   */
  call<Result>(method: string, params?: object): Promise<Result>;
  /** Evaluates an expression in the Worker. @throws if the expression throws. */
  evaluate(expression: string): Promise<void>;
}

const ENDED = { message: "the session with the isolate has ended" };

/** Opens a session at a WebSocket URL. @throws if nothing answers there. */
export async function openInspector(url: string): Promise<Inspector> {
  const socket = new WebSocket(url);
  const opened = Promise.withResolvers<void>();
  const context = Promise.withResolvers<number>();
  context.promise.catch(() => undefined);
  const replies = new Map<number, (reply: Reply) => void>();
  let hasEnded = false;
  socket.addEventListener("open", () => opened.resolve());
  socket.addEventListener("error", () => opened.reject(new Error(`no inspector at ${url}`)));
  socket.addEventListener("close", () => {
    hasEnded = true;
    context.reject(new Error(ENDED.message));
    for (const settle of replies.values()) settle({ error: ENDED });
  });
  socket.addEventListener("message", ({ data }) => {
    const reply = JSON.parse(String(data)) as Reply;
    const { id, method, params } = reply;
    if (method === "Runtime.executionContextCreated" && params?.context !== undefined)
      context.resolve(params.context.id);
    if (id !== undefined) replies.get(id)?.(reply);
  });
  await opened.promise;

  let last = 0;
  async function call<Result>(method: string, params: object = {}): Promise<Result> {
    const id = ++last;
    const { promise, resolve } = Promise.withResolvers<Reply>();
    replies.set(id, resolve);
    if (hasEnded) resolve({ error: ENDED });
    else socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await promise;
    replies.delete(id);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result as Result;
  }

  return {
    call,
    async evaluate(expression) {
      await call("Runtime.enable");
      const { exceptionDetails } = await call<{ readonly exceptionDetails?: object }>(
        "Runtime.evaluate",
        { expression, contextId: await context.promise },
      );
      if (exceptionDetails !== undefined)
        throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    },
    [Symbol.dispose]: () => socket.close(),
  };
}
