import type { Config } from "../config.ts";
import type { Bindings } from "../config/bindings.ts";
import { createAlarmPort } from "../durable/alarm-port.ts";
import { alarmStub } from "../durable/stubs.ts";
import type { Invalidator } from "../core/invalidator.ts";
import type { Engine } from "../engine/engine.ts";
import { etagOf } from "../core/etag.ts";
import type { Database } from "../origin/neon.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { createWriteThrough } from "../writes/through.ts";
import { createWriter, type WriterOptions } from "../writes/writer.ts";

export interface WriteParts {
  readonly bindings: Bindings;
  readonly config: Config;
  readonly db: Database;
  readonly engine: Engine;
  readonly invalidator: Invalidator;
  readonly relayInvalidator: Invalidator;
  readonly admit: NonNullable<WriterOptions["admit"]>;
  readonly takeSlot: WriterOptions["takeSlot"];
  readonly delivery: WriterOptions["delivery"];
}

/** Builds the writer of rows, and the part that stores written values as entries. */
export function composeWrites({
  bindings,
  config,
  db,
  engine,
  invalidator,
  relayInvalidator,
  admit,
  takeSlot,
  delivery,
}: WriteParts) {
  const { OUTBOX } = bindings;
  const { namespace, settings } = config;
  const { verifyAfterMs, originLagMs, alarmTimeoutMs } = settings.outbox;
  const through = createWriteThrough({ engine, etagOf });
  const alarm =
    OUTBOX &&
    createAlarmPort({
      stub: (name) => alarmStub(OUTBOX, name),
      namespace,
      timeoutMs: alarmTimeoutMs,
      verifyAfterMs,
      withTimeout,
    });
  const writer = createWriter({
    db,
    invalidator,
    relayInvalidator,
    namespace,
    verifyAfterMs,
    originLagMs,
    through,
    admit,
    takeSlot,
    ...(alarm && { alarm }),
    ...(delivery && { delivery }),
  });
  return { writer, through };
}
