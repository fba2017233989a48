/** Holds real requests and answers of the network back, so that they arrive late. */
import { createGate, type Gate } from "./gate.ts";

const realFetch = globalThis.fetch;
const realOpen = caches.open;

/** Holds the answer to the next request whose body contains `text`. The request is executed. */
export function holdNextAnswer(text: string): Gate {
  const gate = createGate();
  globalThis.fetch = async (input, init) => {
    const body = init?.body;
    if (typeof body !== "string" || !body.includes(text)) return realFetch(input, init);
    globalThis.fetch = realFetch;
    const response = await realFetch(input, init);
    // The answer is read to its end, so that the connection is free meanwhile.
    const answer = new Response(await response.arrayBuffer(), response);
    await gate.pass();
    return answer;
  };
  return gate;
}

/** Holds the next request whose body contains `text` before it is sent. */
export function holdNextRequest(text: string): Gate {
  const gate = createGate();
  globalThis.fetch = async (input, init) => {
    const body = init?.body;
    if (typeof body !== "string" || !body.includes(text)) return realFetch(input, init);
    globalThis.fetch = realFetch;
    await gate.pass();
    return realFetch(input, init);
  };
  return gate;
}

/** Holds the next write of any isolate to the edge tier. */
export function holdNextEdgeWrite(): Gate {
  const gate = createGate();
  caches.open = async (name) => {
    const cache = await realOpen.call(caches, name);
    return {
      match: (...args) => cache.match(...args),
      delete: (...args) => cache.delete(...args),
      async put(...args) {
        caches.open = realOpen;
        await gate.pass();
        return cache.put(...args);
      },
    } satisfies Pick<Cache, "match" | "delete" | "put">;
  };
  return gate;
}

/** Leaves every request without an answer until its signal aborts it. */
export function hangNetwork(): void {
  globalThis.fetch = (_input, init) =>
    new Promise((_resolve, reject) => {
      const { signal } = init ?? {};
      signal?.addEventListener("abort", () => reject(signal.reason as Error));
    });
}

/** Refuses every request. */
export function loseNetwork(): void {
  globalThis.fetch = () => Promise.reject(new TypeError("the network is away"));
}

/** Refuses the requests whose body meets the condition. */
export function refuseRequests(isRefused: (body: string) => boolean): void {
  globalThis.fetch = (input, init) =>
    typeof init?.body === "string" && isRefused(init.body)
      ? Promise.reject(new TypeError("refused"))
      : realFetch(input, init);
}

/** Answers the requests whose body meets the condition, instead of sending them. */
export function answerRequests(
  isAnswered: (body: string) => boolean,
  answer: () => Response,
): void {
  globalThis.fetch = (input, init) =>
    typeof init?.body === "string" && isAnswered(init.body)
      ? Promise.resolve(answer())
      : realFetch(input, init);
}

/** Calls `onRequest` with the body of every request that goes out. */
export function observeRequests(onRequest: (body: string) => void): void {
  globalThis.fetch = (input, init) => {
    if (typeof init?.body === "string") onRequest(init.body);
    return realFetch(input, init);
  };
}

/** Restores the network. For `afterEach`. */
export function restoreNetwork(): void {
  globalThis.fetch = realFetch;
  caches.open = realOpen;
}
