import type { Config } from "./config.ts";
import type { Bindings } from "./config/variables.ts";
import type { RelayAlarm } from "./core/relay-alarm.ts";
import { createAlarmPort } from "./durable/alarm-port.ts";
import { alarmStub } from "./durable/stubs.ts";
import { withTimeout } from "./resilience/deadline.ts";

/** Builds the alarm of the relay, as an option of the writer. Returns no option if no alarm object is bound. */
export function composeAlarm(
  { OUTBOX }: Bindings,
  { namespace, settings }: Config,
): { readonly alarm?: RelayAlarm } {
  if (OUTBOX === undefined) return {};
  const alarm = createAlarmPort({
    stub: (name) => alarmStub(OUTBOX, name),
    namespace,
    timeoutMs: settings.outbox.alarmTimeoutMs,
    verifyAfterMs: settings.outbox.verifyAfterMs,
    withTimeout,
  });
  return { alarm };
}
