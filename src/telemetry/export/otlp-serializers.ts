import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import type { Endpoint } from "../settings.ts";

/**
 * The serializers of one protocol. Their types are written as those of the package's own serializers, so that the
 * declaration of this file names no package that an application has not installed.
 */
interface Serializers {
  readonly traces: typeof ProtobufTraceSerializer;
  readonly metrics: typeof ProtobufMetricsSerializer;
  readonly logs: typeof ProtobufLogsSerializer;
}

/** Returns the serializers of traces, metrics and logs for the protocol of an endpoint. */
export function serializersOf({ protocol }: Pick<Endpoint, "protocol">): Serializers {
  return protocol === "http/json"
    ? { traces: JsonTraceSerializer, metrics: JsonMetricsSerializer, logs: JsonLogsSerializer }
    : {
        traces: ProtobufTraceSerializer,
        metrics: ProtobufMetricsSerializer,
        logs: ProtobufLogsSerializer,
      };
}
