import type { RelayAlarm } from "../core/ports.ts";
import type { Millis } from "../core/time.ts";
import type { OutboxAlarmRpc } from "./outbox-alarm.ts";

export interface AlarmPortOptions {
  /** A new stub for the object of this name. Stubs break for good on errors. */
  readonly stub: (name: string) => OutboxAlarmRpc;
  /** One object a namespace: each has an outbox of its own. */
  readonly namespace: string;
  readonly timeoutMs: Millis;
  readonly within: <T>(work: Promise<T>, ms: Millis) => Promise<T>;
}

/** Presents the object that wakes the relay as the port that writers know. */
export function createAlarmPort(options: AlarmPortOptions): RelayAlarm {
  const { stub, namespace, timeoutMs, within } = options;
  return {
    wake: async (inMs) => within(stub(outboxObject(namespace)).wake(namespace, inMs), timeoutMs),
  };
}

/** The name of the object that is the clock of a namespace's outbox. */
export function outboxObject(namespace: string): string {
  return `${namespace}-outbox`;
}
