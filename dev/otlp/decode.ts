import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor.js";

export const SIGNALS = ["traces", "metrics", "logs"] as const;
export type Signal = (typeof SIGNALS)[number];

/** The official definitions, in a file that protoc also reads. */
export const DESCRIPTORS = fileURLToPath(
  new URL("opentelemetry-proto/descriptors.binpb", import.meta.url),
);

/** The message type of each signal's export. */
export const MESSAGES: Readonly<Record<Signal, string>> = {
  traces: "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest",
  metrics: "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest",
  logs: "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest",
};

/** Fields whose bytes OTLP/JSON writes in hexadecimal, unlike protobuf's own JSON. */
const IDS = new Set(["traceId", "spanId", "parentSpanId"]);

let root: protobuf.Root | undefined;

function definitions(): protobuf.Root {
  if (root !== undefined) return root;
  const set = descriptor.FileDescriptorSet.decode(
    readFileSync(DESCRIPTORS),
  ) as unknown as DescriptorSet;
  for (const file of set.file) for (const message of file.messageType) inCamelCase(message);
  root = protobuf.Root.fromDescriptor(set as never);
  return root;
}

interface DescriptorSet {
  readonly file: readonly { readonly messageType: readonly MessageDescriptor[] }[];
}

interface MessageDescriptor {
  readonly field: { name: string }[];
  readonly nestedType: readonly MessageDescriptor[];
}

/** Renames the fields of a message to camel case, as OTLP/JSON does. */
function inCamelCase(message: MessageDescriptor): void {
  for (const field of message.field) field.name = protobuf.util.camelCase(field.name);
  for (const nested of message.nestedType) inCamelCase(nested);
}

/** Decodes a protobuf export to OTLP/JSON. Throws if the bytes are not such a message. */
export function decodeProtobuf(signal: Signal, body: Uint8Array): unknown {
  const type = definitions().lookupType(MESSAGES[signal]);
  const message = type.toObject(type.decode(body), { longs: String, bytes: Buffer, arrays: false });
  return withHexIds(message);
}

/**
 * Decodes a JSON export and checks it against the definitions. Throws if it is not such a message.
 */
export function decodeJson(signal: Signal, text: string): unknown {
  const value: unknown = JSON.parse(text);
  const type = definitions().lookupType(MESSAGES[signal]);
  const problem = type.verify(withBinaryIds(value) as Record<string, unknown>);
  if (problem !== null) throw new TypeError(problem);
  return value;
}

function withHexIds(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString("base64");
  if (Array.isArray(value)) return (value as unknown[]).map(withHexIds);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      IDS.has(name) && Buffer.isBuffer(field) ? field.toString("hex") : withHexIds(field),
    ]),
  );
}

/**
 * Converts a message to the form that protobufjs verifies: ids as bytes, 64-bit numbers as it reads
 * them.
 */
function withBinaryIds(value: unknown): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map(withBinaryIds);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      if (IDS.has(name)) {
        if (typeof field !== "string" || !/^(?:[0-9a-f]{2})*$/i.test(field))
          throw new TypeError(`${name}: must be hexadecimal`);
        return [name, Buffer.from(field, "hex")];
      }
      const long = /Nano$|^(?:asInt|intValue|count)$/.test(name) && typeof field === "string";
      return [name, long ? Number(field) : withBinaryIds(field)];
    }),
  );
}
