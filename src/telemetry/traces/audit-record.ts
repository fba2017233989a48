/** Audit records: which operator did what, and how it ended. */
import { SeverityNumber } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import { nameOf, type Audit, type TracedRecord } from "./request-record.ts";
import { contextOf, hrTime, SCOPE } from "./spans.ts";
import type { LogRecord } from "./wide-event.ts";

type FormatKey = (key: string) => string;
export type AuditedRecord = TracedRecord & { readonly audit: Audit };

/** The most targets that an audit record names. A purge may have thousands. */
const MAX_TARGETS = 20;

/** The attributes of an audit record. It never holds a token, and shows names as `formatKey` does. */
interface AuditEvent {
  /** The name of the token. Absent if no token was accepted. */
  readonly "audit.actor"?: string;
  /** The method and the route. */
  readonly "audit.action": string;
  readonly "audit.targets"?: string;
  /** `refused`: 401, 403 or 429. `failed`: another status of 400 or more. */
  readonly "audit.outcome": "done" | "refused" | "failed";
  readonly "http.response.status_code": number;
}

export function isAudited(record: TracedRecord): record is AuditedRecord {
  return record.audit !== undefined;
}

function auditEvent(record: AuditedRecord, formatKey: FormatKey): AuditEvent {
  const { status, audit } = record;
  const { actor, targets } = audit;
  return {
    ...(actor !== "" && { "audit.actor": actor }),
    "audit.action": nameOf(record),
    ...(targets.length > 0 && { "audit.targets": targetsText(targets, formatKey) }),
    "audit.outcome": status < 400 ? "done" : REFUSED.has(status) ? "refused" : "failed",
    "http.response.status_code": status,
  };
}

const REFUSED = new Set([401, 403, 429]);

function targetsText(targets: Audit["targets"], formatKey: FormatKey): string {
  const shown = targets
    .slice(0, MAX_TARGETS)
    .map(([kind, name]) => (name === "" ? kind : `${kind}:${formatKey(name)}`));
  const more = targets.length - shown.length;
  return more > 0 ? `${shown.join(" ")} and ${more} more` : shown.join(" ");
}

/** Returns the audit record as one line of JSON for the console. */
export function auditLine(record: AuditedRecord, formatKey: FormatKey): string {
  return JSON.stringify({
    time: new Date(record.endedAt).toISOString(),
    level: "audit",
    message: nameOf(record),
    trace_id: record.span.traceId,
    ...auditEvent(record, formatKey),
  });
}

/** Returns the audit record as an OTLP log record of its own, beside the one of the request. */
export function auditRecord(
  record: AuditedRecord,
  formatKey: FormatKey,
  resource: Resource,
): LogRecord {
  const refused = record.status >= 400;
  return {
    hrTime: hrTime(record.endedAt),
    hrTimeObserved: hrTime(record.endedAt),
    severityNumber: refused ? SeverityNumber.WARN : SeverityNumber.INFO,
    severityText: refused ? "WARN" : "INFO",
    eventName: "strata.admin.action",
    body: nameOf(record),
    spanContext: contextOf(record.span, false),
    resource,
    instrumentationScope: SCOPE,
    attributes: { ...auditEvent(record, formatKey) },
    droppedAttributesCount: 0,
  };
}
