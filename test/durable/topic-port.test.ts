import { describe, expect, it } from "vitest";
import { createTopicPort } from "../../src/durable/topic-port.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createTestContext } from "../support/context.ts";
import { createGate } from "../support/gate.ts";

describe("the port to the objects of topics", () => {
  it("a connection that opens after its client was refused is closed by deferred work of the request", async () => {
    const gate = createGate();
    const { 0: far, 1: near } = new WebSocketPair();
    near.accept();
    const closed = new Promise<number>((resolve) =>
      near.addEventListener("close", ({ code }) => resolve(code)),
    );
    const port = createTopicPort({
      stub: () => ({
        async fetch() {
          await gate.pass();
          return new Response(null, { status: 101, webSocket: far });
        },
        deliver: () => Promise.reject(new Error("not called")),
      }),
      namespace: "n",
      deliverMs: 1_000,
      listenMs: 20,
      withTimeout,
    });
    const deferred: Promise<unknown>[] = [];
    const ctx = { ...createTestContext(), defer: (work: Promise<unknown>) => deferred.push(work) };
    const listener = { transport: "socket", client: "192.0.2.1", lastEventId: undefined } as const;
    expect(await port.listen({ topic: "t", initial: "{}", ...listener }, ctx)).toEqual({
      ok: false,
      reason: "unavailable",
    });
    expect(deferred).toHaveLength(1);
    gate.open();
    await deferred[0];
    expect(await closed).toBe(1001);
  });
});
