/** The entry `strata/telemetry`: traces as OTLP. It needs the packages of OpenTelemetry. */
export { telemetry } from "../compose/telemetry-layer.ts";
