/**
 * Creates stubs of Durable Objects. Each call creates a new stub, because a stub cannot be used
 * again after an error.
 */
import type { AnswerStub } from "./answer-port.ts";
import type { FlightShardRpc } from "./flight-shard.ts";
import type { LedgerRpc } from "./ledger-rpc.ts";
import type { MetricsShardRpc } from "./metrics-shard.ts";
import type { OutboxAlarmRpc } from "./outbox-alarm.ts";
import type { DeferralRpc, GroupCommitRpc, RegionLogRpc } from "./region-log.ts";
import type { SessionRpc } from "./session-rpc.ts";
import type { SlotGrantsRpc } from "./slot-grants.ts";
import type { StoreRpc } from "./store-rpc.ts";
import type { TopicObjectRpc } from "./topic-object.ts";

/** The location hint for each continent, by Cloudflare's code of the continent. */
const HINTS: Readonly<Record<string, DurableObjectLocationHint>> = {
  af: "afr",
  as: "apac",
  eu: "weur",
  na: "enam",
  oc: "oc",
  sa: "sam",
};

/** The regions that have log objects of their own: the codes of the continents. */
export const REGIONS: readonly string[] = Object.keys(HINTS);

/** Returns a stub of the FlightShard object with this name. A new object is created near `region`. */
export function flightStub(
  namespace: DurableObjectNamespace,
  name: string,
  region: string,
): FlightShardRpc {
  return stubNear(namespace, name, region) as unknown as FlightShardRpc;
}

/** Returns a stub of the StrataStore object with this name. A new object is created at `hint`, by default near the caller. */
export function storeStub(
  namespace: DurableObjectNamespace,
  name: string,
  hint?: DurableObjectLocationHint,
): StoreRpc {
  return stubAt(namespace, name, hint) as unknown as StoreRpc;
}

/** Returns a stub of the StrataLedger object with this name. A new object is created at `hint`, by default near the caller. */
export function ledgerStub(
  namespace: DurableObjectNamespace,
  name: string,
  hint?: DurableObjectLocationHint,
): LedgerRpc {
  return stubAt(namespace, name, hint) as unknown as LedgerRpc;
}

/** Returns a stub of the StrataSessions object with this name. A new object is created at `hint`, by default near the caller. */
export function sessionStub(
  namespace: DurableObjectNamespace,
  name: string,
  hint?: DurableObjectLocationHint,
): SessionRpc {
  return stubAt(namespace, name, hint) as unknown as SessionRpc;
}

function stubAt(
  namespace: DurableObjectNamespace,
  name: string,
  hint: DurableObjectLocationHint | undefined,
): DurableObjectStub {
  const options = hint === undefined ? {} : { locationHint: hint };
  return namespace.get(namespace.idFromName(name), options);
}

/** Returns a stub of the RegionLog object with this name. A new object is created near `region`. */
export function regionLogStub(
  namespace: DurableObjectNamespace,
  name: string,
  region: string,
): RegionLogRpc & GroupCommitRpc & DeferralRpc {
  return stubNear(namespace, name, region) as unknown as RegionLogRpc &
    GroupCommitRpc &
    DeferralRpc;
}

function stubNear(
  namespace: DurableObjectNamespace,
  name: string,
  region: string,
): DurableObjectStub {
  return stubAt(namespace, name, HINTS[region]);
}

/** Returns a stub of the MetricsShard object with this name. @throws if the binding METRICS is missing */
export function metricsStub(
  namespace: DurableObjectNamespace | undefined,
  name: string,
): MetricsShardRpc {
  if (namespace === undefined) throw new Error("METRICS is not bound");
  return namespace.get(namespace.idFromName(name)) as unknown as MetricsShardRpc;
}

/** Returns a stub of the OutboxAlarm object with this name. */
export function alarmStub(namespace: DurableObjectNamespace, name: string): OutboxAlarmRpc {
  return namespace.get(namespace.idFromName(name)) as unknown as OutboxAlarmRpc;
}

/** Returns a stub of the SlotGrants object with this name. */
export function slotGrantsStub(namespace: DurableObjectNamespace, name: string): SlotGrantsRpc {
  return namespace.get(namespace.idFromName(name)) as unknown as SlotGrantsRpc;
}

/** Returns a stub of the TopicObject object with this name. */
export function topicStub(namespace: DurableObjectNamespace, name: string): TopicObjectRpc {
  return namespace.get(namespace.idFromName(name)) as unknown as TopicObjectRpc;
}

/** Returns a stub of the AnswerObject object with this name. A new object is created near `region`. */
export function answerStub(
  namespace: DurableObjectNamespace,
  name: string,
  region: string,
): AnswerStub {
  return stubNear(namespace, name, region);
}
