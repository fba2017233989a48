/** Routes whose handlers send their bodies in parts, and clients that read them part by part. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { cached, type CachedOptions } from "../../../src/index.ts";
import { createTestApp, type TestApp } from "../../support/app.ts";
import { uniqueNamespace } from "../../support/isolate.ts";

const encoder = new TextEncoder();

export interface Client {
  readonly response: Response;
  /** Reads the next part of the body; undefined at its end. */
  next(): Promise<string | undefined>;
  /** Reads the rest, and waits for the work that the request deferred. */
  end(): Promise<string>;
  leave(): Promise<void>;
}

export function serving(
  make: () => Response | Promise<Response>,
  options: Partial<CachedOptions> = {},
): TestApp & { calls(): number; open(init?: RequestInit): Promise<Client> } {
  let calls = 0;
  const app = createTestApp(uniqueNamespace(), (routes) =>
    routes.get("/thing", cached({ freshFor: "1m", jitter: 0, ...options }), async () => {
      calls++;
      return make();
    }),
  );
  return {
    ...app,
    calls: () => calls,
    async open(init = {}) {
      const execution = createExecutionContext();
      const request = new Request(app.url("/thing"), init);
      const response = await app.app.fetch(request, {}, execution);
      const reader = response.body?.getReader();
      const decoder = new TextDecoder();
      const next = async (): Promise<string | undefined> => {
        const part = await reader?.read();
        return part?.value === undefined ? undefined : decoder.decode(part.value);
      };
      return {
        response,
        next,
        async end() {
          let text = "";
          for (let part = await next(); part !== undefined; part = await next()) text += part;
          await waitOnExecutionContext(execution);
          return text;
        },
        leave: async () => reader?.cancel(),
      };
    },
  };
}

/** A body whose parts the test sends. */
export function slowBody() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(
    {},
    { highWaterMark: 100 },
    { highWaterMark: 100 },
  );
  const writer = writable.getWriter();
  return {
    readable,
    send: (text: string) => writer.write(encoder.encode(text)),
    close: () => writer.close(),
    break: () => writer.abort(new Error("connection lost")),
  };
}

/** A body without end, a part for each read. It counts what has been taken from it. */
export function endlessBody(part = "event\n") {
  const state = { parts: 0, isCancelled: false };
  const readable = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        state.parts++;
        await new Promise((resolve) => setTimeout(resolve, 1));
        controller.enqueue(encoder.encode(part));
      },
      cancel() {
        state.isCancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { readable, state };
}
