/** Races inside the object of a topic, made to happen by a database and a Redis that wait. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { LiveEvent } from "../../src/core/live-event.ts";
import { createTopicObject, type ChannelMessage } from "../../src/durable/topic-object.ts";
import { topicObject } from "../../src/durable/topic-port.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createGate } from "../support/gate.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const AT = 1_700_000_000_000;

const event = (id: number, fields: Partial<LiveEvent> = {}): LiveEvent => ({
  id,
  previous: 0,
  at: AT,
  channel: "shelves",
  message: `{"n":${id}}`,
  ...fields,
});

interface Parts {
  readonly read?: (after: number) => Promise<readonly LiveEvent[]>;
  readonly publish?: (messages: readonly ChannelMessage[]) => Promise<boolean>;
}

type Topic = InstanceType<ReturnType<typeof createTopicObject<unknown>>>;

/** Runs `work` with an object whose database and Redis are the test's. */
async function withTopic(
  { read = async () => [], publish = async () => true }: Parts,
  work: (
    topic: Pick<Topic, "deliver">,
    name: { namespace: string; topic: string },
  ) => Promise<void>,
): Promise<void> {
  if (env.LIVE === undefined) throw new Error("LIVE is not bound");
  const name = { namespace: uniqueNamespace(), topic: "shelf:1" };
  const Class = createTopicObject<unknown>({
    now: () => Date.now(),
    newId: () => crypto.randomUUID(),
    withTimeout,
    createRead: () => read,
    createPublish: () => publish,
  });
  const stub = env.LIVE.get(env.LIVE.idFromName(topicObject(name.namespace, name.topic)));
  await runInDurableObject(stub, (_, state) => work(new Class(state, {}), name));
}

describe("races of the object of a topic", () => {
  it("an event that misses an earlier one is confirmed only by a read that began after it arrived", async () => {
    const gate = createGate();
    let reads = 0;
    const read = async (after: number): Promise<readonly LiveEvent[]> => {
      if (++reads > 1) return [event(1), event(2)].filter(({ id }) => id > after);
      await gate.pass();
      return [];
    };
    await withTopic({ read }, async (topic, name) => {
      const early = topic.deliver(name, []);
      await gate.reached;
      const late = topic.deliver(name, [event(2, { previous: 1 })]);
      gate.open();
      expect(await early).toMatchObject({ isComplete: true });
      expect(await late).toEqual({ upTo: 2, isComplete: true });
    });
  });

  it("an event that misses an earlier one is not confirmed while the database does not answer, and is with the next event", async () => {
    let isAway = true;
    const read = async (after: number): Promise<readonly LiveEvent[]> => {
      if (isAway) throw new Error("the database is away");
      return [event(1), event(2), event(3)].filter(({ id }) => id > after);
    };
    await withTopic({ read }, async (topic, name) => {
      const late = event(2, { previous: 1 });
      expect(await topic.deliver(name, [late])).toEqual({ upTo: 0, isComplete: false });
      isAway = false;
      const next = event(3, { previous: 2 });
      expect(await topic.deliver(name, [next])).toEqual({ upTo: 3, isComplete: true });
    });
  });

  it("the channel gets the first event of a new epoch, which began while Redis took an event of the old one", async () => {
    const gate = createGate();
    const published: string[] = [];
    let calls = 0;
    const done = Promise.withResolvers<void>();
    const publish = async (messages: readonly ChannelMessage[]): Promise<boolean> => {
      if (++calls === 1) await gate.pass();
      published.push(...messages.map(({ message }) => message));
      if (published.length === 2) done.resolve();
      return true;
    };
    await withTopic({ publish }, async (topic, name) => {
      await topic.deliver(name, [event(900)]);
      await topic.deliver(name, [event(20, { at: AT + 3_600_000 })]);
      gate.open();
      await done.promise;
      expect(published).toEqual(['{"n":900}', '{"n":20}']);
    });
  });
});
