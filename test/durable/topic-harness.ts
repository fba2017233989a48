/** A topic with listeners, for tests of its object. */
import { env } from "cloudflare:workers";
import { sql } from "drizzle-orm";
import type { LiveEvent } from "../../src/core/live-event.ts";
import type { Listener } from "../../src/core/live-topics.ts";
import { topicStub } from "../../src/durable/stubs.ts";
import { createTopicPort, topicObject } from "../../src/durable/topic-port.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { insertEvents } from "../../src/writes/live-events.ts";
import { createTestContext } from "../support/context.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { testDatabase } from "../writes/database.ts";

const TIMEOUT_MS = 20_000;
/** Earlier than the events that the database makes in these tests. */
export const AT = 1_700_000_000_000;
const TOPIC = "shelf:1";

export const message = (n: number): string => JSON.stringify({ n });

export const event = (id: number, fields: Partial<LiveEvent> = {}): LiveEvent => ({
  id,
  previous: 0,
  at: AT,
  channel: null,
  message: message(id),
  ...fields,
});

/** What a listener over a WebSocket has heard. */
export interface Heard {
  readonly event: string;
  readonly id: string;
  readonly n: number;
}

interface Frame extends Omit<Heard, "n"> {
  readonly data: Pick<Heard, "n">;
}

/** Creates a topic whose object is the real one. */
export function createTopic() {
  const { LIVE } = env;
  if (LIVE === undefined) throw new Error("LIVE is not bound");
  const namespace = uniqueNamespace();
  const ctx = createTestContext();
  const port = createTopicPort({
    stub: (name) => topicStub(LIVE, name),
    namespace,
    deliverMs: TIMEOUT_MS,
    listenMs: TIMEOUT_MS,
    withTimeout,
  });
  const stub = () => LIVE.get(LIVE.idFromName(topicObject(namespace, TOPIC)));

  async function listen(lastEventId?: string, fields: Partial<Listener> = {}) {
    const listening = await port.listen(
      {
        topic: TOPIC,
        transport: "socket",
        client: "192.0.2.1",
        lastEventId,
        initial: message(0),
        ...fields,
      },
      ctx,
    );
    if (!listening.ok) return { refused: listening.reason, heard: [], until: async () => [] };
    const heard: Heard[] = [];
    let onHeard = (): void => undefined;
    const { socket, start } = listening;
    const closed = new Promise<number>((resolve) =>
      socket.addEventListener("close", ({ code }) => resolve(code)),
    );
    const texts: string[] = [];
    socket.addEventListener("message", ({ data }) => {
      const text = String(data);
      texts.push(text);
      if (text.startsWith("{")) {
        const { data: told, ...head } = JSON.parse(text) as Frame;
        heard.push({ ...head, ...told });
      }
      onHeard();
    });
    socket.accept();
    async function until(isMet: () => boolean): Promise<Heard[]> {
      if (!isMet())
        await new Promise<void>((resolve) => {
          onHeard = () => {
            if (isMet()) resolve();
          };
        });
      return heard;
    }
    return { socket, start, heard, texts, closed, until };
  }

  return {
    namespace,
    stub,
    listen,
    deliver: async (...events: LiveEvent[]) => {
      const delivered = await port.deliver(TOPIC, events, ctx);
      if (!delivered.ok) throw new Error(delivered.fault.code);
      return delivered.value;
    },
    /** Inserts events into the database, as writes do. Returns them as writers deliver them. */
    async commit(...numbers: number[]): Promise<number[]> {
      const ids: number[] = [];
      for (const n of numbers) {
        const { rows } = await insertEvents(
          testDatabase(),
          namespace,
          sql`select ${TOPIC}::text, null::text, ${message(n)}::text`,
        );
        ids.push(Number(rows[0]?.id));
      }
      return ids;
    },
  };
}

/** The kinds and numbers of events. */
export const numbersIn = (heard: readonly Heard[]) => heard.map(({ event: kind, n }) => [kind, n]);
