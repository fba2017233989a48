import type { WithTimeout } from "../core/deadline.ts";
import type { RelayAlarm } from "../core/relay-alarm.ts";
import type { Millis } from "../core/time.ts";
import type { OutboxAlarmRpc } from "./outbox-alarm.ts";

export interface AlarmPortOptions {
  /** A new stub for the object of this name. Stubs break for good on errors. */
  readonly stub: (name: string) => OutboxAlarmRpc;
  /** One object a namespace: each has an outbox of its own. */
  readonly namespace: string;
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** Presents the object that wakes the relay as the port that writers know. */
export function createAlarmPort(options: AlarmPortOptions): RelayAlarm {
  const { stub, namespace, timeoutMs, withTimeout } = options;
  return {
    wake: async (inMs) =>
      withTimeout(stub(outboxObject(namespace)).wake(namespace, inMs), timeoutMs),
  };
}

/** The name of the object that is the clock of a namespace's outbox. */
export function outboxObject(namespace: string): string {
  return `${namespace}-outbox`;
}
