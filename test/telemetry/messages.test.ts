import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { backgroundContext } from "../../src/index.ts";
import { createObservedApi } from "../api/observed.ts";
import { createQueueDouble, deliveryOf } from "../writes/queue-double.ts";
import { newCategories, newProduct, testDatabase } from "../writes/database.ts";
import { createEffects } from "../../src/api/effects.ts";
import { spansOf, valueOf } from "./collector.ts";

const CONSUMER = 5;
const PRODUCER = 4;

async function setup(variables: Readonly<Record<string, string>>) {
  const [QUEUE, DEAD_LETTERS] = [createQueueDouble(), createQueueDouble()];
  const api = createObservedApi({ ...variables, ...({ QUEUE, DEAD_LETTERS } as object) });
  const { layer } = api;
  for (const effect of createEffects(layer)) layer.messages.define(effect);
  const db = testDatabase();
  const [category = 0] = await newCategories(db, 1);
  const productId = await newProduct(db, category);
  const send = async () =>
    api.send("/events/views", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ productId }),
      ip: "192.0.2.1",
    });
  const consume = async () => {
    const messages = QUEUE.sent.splice(0).map(({ body }) => deliveryOf(body));
    const execution = createExecutionContext();
    const ctx = backgroundContext((work) => execution.waitUntil(work));
    await layer.consume({ queue: "strata-messages", messages }, ctx);
    await waitOnExecutionContext(execution);
  };
  const spans = async () => {
    const all = await spansOf(api.service);
    return {
      senders: all.filter(({ kind }) => kind === PRODUCER),
      consumers: all.filter(({ kind }) => kind === CONSUMER),
      all,
    };
  };
  return { send, consume, spans, api };
}

describe("traces of messages", () => {
  it("the span of a batch of messages has a link to the span of each sender, and the spans of its requests to Postgres", async () => {
    const { send, consume, spans } = await setup({ OTEL_TRACES_SAMPLER: "always_on" });
    await send();
    await send();
    await consume();
    const { senders, consumers, all } = await spans();
    expect(senders).toHaveLength(2);
    expect(consumers).toHaveLength(1);
    const [batch] = consumers;
    expect(batch?.name).toBe("process strata-messages");
    expect(valueOf(batch?.attributes, "messaging.batch.message_count")).toBe("2");
    const idsOf = (refs: readonly { traceId: string; spanId: string }[] = []) =>
      refs.map(({ traceId, spanId }) => `${traceId} ${spanId}`).toSorted();
    expect(idsOf(batch?.links)).toEqual(idsOf(senders));
    const inside = all.filter(({ parentSpanId }) => parentSpanId === batch?.spanId);
    expect(inside.map(({ name }) => name)).toContain("postgresql");
  });

  it("the span of a single message continues the trace of its sender", async () => {
    const { send, consume, spans } = await setup({ OTEL_TRACES_SAMPLER: "always_on" });
    await send();
    await consume();
    const { senders, consumers } = await spans();
    expect(consumers).toMatchObject([
      { traceId: senders[0]?.traceId, parentSpanId: senders[0]?.spanId },
    ]);
  });

  it("messages whose senders were not sampled carry no trace, and their batch has no span", async () => {
    const { send, consume, spans } = await setup({ OTEL_TRACES_SAMPLER: "always_off" });
    await send();
    await consume();
    expect((await spans()).all).toEqual([]);
  });
});

describe("metrics of messages", () => {
  it("sent messages and their ends are counted by kind, without requests between them", async () => {
    const { send, consume, api } = await setup({ OTEL_TRACES_SAMPLER: "always_off" });
    await send();
    await send();
    await consume();
    const body = (await api.layer.metrics.exposition())?.body ?? "";
    expect(body).toMatch(/cache_queue_sent_total\{cache_message_kind="view"\} 2/);
    expect(body).toMatch(
      /cache_queue_messages_total\{cache_message_kind="view",cache_outcome="applied"\} 2/,
    );
  });
});
