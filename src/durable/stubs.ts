/** How the objects are reached. A new stub for every call: stubs break for good on errors. */
import type { FlightShardRpc } from "./flight-shard.ts";
import type { MetricsShardRpc } from "./metrics-shard.ts";
import type { OutboxAlarmRpc } from "./outbox-alarm.ts";

/** Continents as Cloudflare names them, and the location hints nearest to them. */
const HINTS: Readonly<Record<string, DurableObjectLocationHint>> = {
  af: "afr",
  as: "apac",
  eu: "weur",
  na: "enam",
  oc: "oc",
  sa: "sam",
};

/** The flight object of this name, near this region if it is new. */
export function flightStub(
  namespace: DurableObjectNamespace,
  name: string,
  region: string,
): FlightShardRpc {
  const hint = HINTS[region];
  const stub = namespace.get(namespace.idFromName(name), hint ? { locationHint: hint } : {});
  return stub as unknown as FlightShardRpc;
}

/** The metrics object of this name. @throws where none are bound. */
export function metricsStub(
  namespace: DurableObjectNamespace | undefined,
  name: string,
): MetricsShardRpc {
  if (namespace === undefined) throw new Error("METRICS is not bound");
  return namespace.get(namespace.idFromName(name)) as unknown as MetricsShardRpc;
}

/** The object that wakes the relay of the outbox. */
export function alarmStub(namespace: DurableObjectNamespace, name: string): OutboxAlarmRpc {
  return namespace.get(namespace.idFromName(name)) as unknown as OutboxAlarmRpc;
}
