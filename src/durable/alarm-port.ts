import type { WithTimeout } from "../core/deadline.ts";
import type { RelayAlarm } from "../core/relay-alarm.ts";
import type { Millis } from "../core/time.ts";
import type { OutboxAlarmRpc } from "./outbox-alarm.ts";

export interface AlarmPortOptions {
  /** Makes a stub for the object of this name. Each call gets a new one: a stub stays broken after an error. */
  readonly stub: (name: string) => OutboxAlarmRpc;
  /** Each namespace has an outbox and an alarm object of its own. */
  readonly namespace: string;
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** Implements `RelayAlarm` with a call of the namespace's OutboxAlarm object. */
export function createAlarmPort(options: AlarmPortOptions): RelayAlarm {
  const { stub, namespace, timeoutMs, withTimeout } = options;
  return {
    wake: async (inMs) =>
      withTimeout(stub(outboxObject(namespace)).wake(namespace, inMs), timeoutMs),
  };
}

/** The name of a namespace's OutboxAlarm object. */
export function outboxObject(namespace: string): string {
  return `${namespace}-outbox`;
}
