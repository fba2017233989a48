/** Reads the exports that the local OTLP receiver got from one service, by the name of the service. */
import { env } from "cloudflare:workers";

export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly traceState?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly OtlpAttribute[];
  readonly events?: readonly { readonly name: string }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code?: number };
}

export interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Export {
  readonly resource: { readonly attributes: readonly OtlpAttribute[] };
  readonly scopeSpans?: readonly { readonly spans: readonly OtlpSpan[] }[];
  readonly scopeLogs?: readonly { readonly logRecords: readonly OtlpLog[] }[];
}

export interface OtlpLog {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly eventName?: string;
  readonly body: { readonly stringValue: string };
  readonly attributes: readonly OtlpAttribute[];
}

const services = () => (env as unknown as { SERVICES_URL: string }).SERVICES_URL;

async function exportsOf(signal: string, service: string): Promise<readonly Export[]> {
  const response = await fetch(`${services()}/otlp/v1/${signal}`);
  const all: readonly Record<string, readonly Export[]>[] = await response.json();
  return all
    .flatMap((request) => Object.values(request).flat())
    .filter(({ resource }) => valueOf(resource.attributes, "service.name") === service);
}

export const endpoint = () => `${services()}/otlp`;

export async function spansOf(service: string): Promise<readonly OtlpSpan[]> {
  const found = await exportsOf("traces", service);
  return found.flatMap(({ scopeSpans = [] }) => scopeSpans.flatMap(({ spans }) => spans));
}

export async function logsOf(service: string): Promise<readonly OtlpLog[]> {
  const found = await exportsOf("logs", service);
  return found.flatMap(({ scopeLogs = [] }) => scopeLogs.flatMap(({ logRecords }) => logRecords));
}

export function valueOf(attributes: readonly OtlpAttribute[] | undefined, key: string): unknown {
  const value = attributes?.find((attribute) => attribute.key === key)?.value;
  return value && Object.values(value)[0];
}
