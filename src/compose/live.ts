import type { Config } from "../config.ts";
import type { Bindings } from "../config/bindings.ts";
import type { Random } from "../core/random.ts";
import type { Millis } from "../core/time.ts";
import { topicStub } from "../durable/stubs.ts";
import { createTopicPort } from "../durable/topic-port.ts";
import { createLive, type Live } from "../http/live/live.ts";
import type { Database } from "../origin/neon.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { createEventDelivery, type EventDelivery } from "../writes/event-delivery.ts";

/** A write waits for the delivery of its events at most so long. */
const WAIT_MS: Millis = 1_000;
/** The delivery goes on for so long. */
const DELIVER_MS: Millis = 10_000;
/** The object reads the database for at most 1 s of it. */
const LISTEN_MS: Millis = 5_000;

export interface ComposedLive {
  readonly live: Live;
  /** Undefined without the binding `LIVE`. */
  readonly delivery: EventDelivery | undefined;
}

/** Builds the parts of live events: those that connect clients, and those that deliver events of writes. */
export function composeLive(
  { LIVE }: Bindings,
  { namespace, clientAddressHeader: addressHeader }: Config,
  db: Database,
  random: Random,
): ComposedLive {
  const topics =
    LIVE &&
    createTopicPort({
      stub: (name) => topicStub(LIVE, name),
      namespace,
      deliverMs: DELIVER_MS,
      listenMs: LISTEN_MS,
      withTimeout,
    });
  return {
    live: createLive({ topics, addressHeader, random }),
    delivery:
      topics && createEventDelivery({ db, namespace, topics, waitMs: WAIT_MS, withTimeout }),
  };
}
