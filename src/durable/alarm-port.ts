import type { WithTimeout } from "../core/deadline.ts";
import type { RelayAlarm } from "../core/relay-alarm.ts";
import type { Millis } from "../core/time.ts";
import type { OutboxAlarmRpc } from "./outbox-alarm.ts";

export interface AlarmPortOptions {
  /**
   * Creates a stub for the object with this name. Each call creates a new stub, because a stub
   * cannot be used again after an error.
   */
  readonly stub: (name: string) => OutboxAlarmRpc;
  /** The namespace. Each namespace has its own outbox and its own alarm object. */
  readonly namespace: string;
  readonly timeoutMs: Millis;
  /** The option of the relay that the object runs. */
  readonly verifyAfterMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** Implements `RelayAlarm` with a call of the namespace's OutboxAlarm object. */
export function createAlarmPort(options: AlarmPortOptions): RelayAlarm {
  const { stub, namespace, timeoutMs, verifyAfterMs, withTimeout } = options;
  return {
    wake: async (inMs) =>
      withTimeout(stub(outboxObject(namespace)).wake(namespace, inMs, verifyAfterMs), timeoutMs),
  };
}

/** Returns the name of the OutboxAlarm object of a namespace. */
export function outboxObject(namespace: string): string {
  return `${namespace}-outbox`;
}
