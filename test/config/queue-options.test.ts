/** Each option of the queue changes what the layer does. */
import { describe, expect, it } from "vitest";
import type { Bindings, StrataOptions } from "../../src/index.ts";
import { createTestIsolate, uniqueNamespace } from "../support/isolate.ts";
import { createQueueDouble, deliveryOf } from "../writes/queue-double.ts";

function setup(queue: StrataOptions["queue"], binding = createQueueDouble()) {
  const bindings: Partial<Bindings> = { QUEUE: binding, DEAD_LETTERS: createQueueDouble() };
  const { layer, request } = createTestIsolate({
    namespace: uniqueNamespace(),
    options: { ...(queue && { queue }) },
    bindings,
  });
  const { ctx } = request();
  return {
    send: async () => layer.messages.send({ id: "m", kind: "no-effect", payload: 0 }, ctx),
    async consume(attempts: number) {
      const delivery = deliveryOf(binding.sent.splice(0)[0]?.body, attempts);
      await layer.consume({ queue: "strata-messages", messages: [delivery] }, ctx);
      return [delivery.settled, delivery.delaySeconds];
    },
  };
}

describe("queue options", () => {
  it.each([
    [undefined, 2, "retry"],
    [2, 2, "ack"],
    [2, 1, "retry"],
  ] as const)(
    "with the option `queue.maxAttempts` at %s, a message that fails in attempt %i ends with %s",
    async (maxAttempts, attempts, expected) => {
      const { send, consume } = setup({ ...(maxAttempts !== undefined && { maxAttempts }) });
      await send();
      expect((await consume(attempts))[0]).toBe(expected);
    },
  );

  it.each([
    ["5s", 5],
    ["1m", 60],
  ] as const)(
    "with the option `queue.retryAfter` at %s, a message that failed once is delivered again after %i seconds",
    async (retryAfter, seconds) => {
      const { send, consume } = setup({ retryAfter });
      await send();
      expect(await consume(1)).toEqual(["retry", seconds]);
    },
  );

  it("the option `queue.timeout` is the time after which a message is not confirmed if the queue hangs", async () => {
    const hanging = createQueueDouble();
    hanging.sendBatch = async () => new Promise(() => undefined);
    const { send } = setup({ timeout: "20ms" }, hanging);
    expect(await send()).toMatchObject({
      ok: false,
      fault: { code: "queue.timeout", message: "no answer within 20 ms" },
    });
  });
});
