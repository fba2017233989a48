/** How the objects are reached. A new stub for every call: stubs break for good on errors. */
import type { FlightShardRpc } from "./flight-shard.ts";
import type { MetricsShardRpc } from "./metrics-shard.ts";

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

/** The metrics object of this name. */
export function metricsStub(namespace: DurableObjectNamespace, name: string): MetricsShardRpc {
  return namespace.get(namespace.idFromName(name)) as unknown as MetricsShardRpc;
}
