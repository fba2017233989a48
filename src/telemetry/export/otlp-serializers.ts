import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import type { Endpoint } from "../settings.ts";

/** Returns the serializers of traces, metrics and logs for the protocol of an endpoint. */
export function serializersOf({ protocol }: Pick<Endpoint, "protocol">) {
  return protocol === "http/json"
    ? { traces: JsonTraceSerializer, metrics: JsonMetricsSerializer, logs: JsonLogsSerializer }
    : {
        traces: ProtobufTraceSerializer,
        metrics: ProtobufMetricsSerializer,
        logs: ProtobufLogsSerializer,
      };
}
