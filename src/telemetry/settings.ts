/**
 * The variables of OpenTelemetry, as its specification defines them:
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
import type { Millis } from "../core/time.ts";

export type Signal = "traces" | "metrics" | "logs";
export const SAMPLERS = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

const TRACE_PARENTS = ["link", "trust", "ignore"] as const;

export interface Endpoint {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: "http/protobuf" | "http/json";
  readonly timeoutMs: Millis;
  readonly gzip: boolean;
}

export interface TelemetrySettings {
  readonly enabled: boolean;
  /** The endpoint of each signal; undefined if the signal is not exported. */
  readonly endpoints: Readonly<Record<Signal, Endpoint | undefined>>;
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: SamplerName;
  readonly samplerRatio: number;
  readonly propagators: ReadonlySet<"tracecontext" | "baggage">;
  /**
   * The use of a caller's trace context. `link`: the request begins a trace of its own, which names
   * the caller's span. `trust`: the request continues the caller's trace, follows the caller's
   * sampling decision and sends the caller's baggage on. `ignore`: the context is not read.
   */
  readonly traceParent: (typeof TRACE_PARENTS)[number];
  readonly metricIntervalMs: Millis;
  /**
   * A request that fails or takes at least this many milliseconds is kept, regardless of the
   * sampler. 0 switches the rule off.
   */
  readonly slowMs: Millis;
  /** True: telemetry shows keys and paths. False: it shows hashes and routes. */
  readonly plainKeys: boolean;
  /** True: each kept request is printed to the console as one line of JSON. */
  readonly console: boolean;
  /** True: each audit record is printed to the console as one line of JSON. */
  readonly auditConsole: boolean;
}

export interface ReadSettings {
  readonly settings: TelemetrySettings;
  /**
   * One text for each value that is ignored, as the specification requires. The text names the
   * default that is used instead.
   */
  readonly warnings: readonly string[];
  /** One text for each value that makes the configuration invalid. */
  readonly problems: readonly string[];
}

/** Reads the variables of telemetry. An empty variable is treated as unset. */
export function readSettings(bindings: object): ReadSettings {
  const variables = bindings as Readonly<Record<string, unknown>>;
  const warnings: string[] = [];
  const problems: string[] = [];
  const text = (name: string): string | undefined => {
    const value = variables[name];
    return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
  };
  const oneOf = <T extends string>(name: string, allowed: readonly T[], fallback: T): T => {
    const value = text(name);
    if (value === undefined) return fallback;
    const found = allowed.find((candidate) => candidate === value);
    if (found === undefined)
      warnings.push(`${name}: must be one of ${allowed.join(", ")}; ${fallback} is used`);
    return found ?? fallback;
  };
  const number = (name: string, fallback: number, max: number): number => {
    const value = text(name);
    if (value === undefined) return fallback;
    const parsed = Number(value);
    if (parsed >= 0 && parsed <= max) return parsed;
    warnings.push(`${name}: must be a number from 0 to ${max}; ${fallback} is used`);
    return fallback;
  };
  const list = (name: string): Record<string, string> => {
    const parsed = parsePairs(text(name) ?? "");
    if (parsed === undefined)
      warnings.push(
        `${name}: must be key=value pairs, separated by commas; the whole list is ignored`,
      );
    return parsed ?? {};
  };

  function endpointOf(signal: Signal): Endpoint | undefined {
    const upper = signal.toUpperCase();
    const nameOf = (suffix: string): string =>
      text(`OTEL_EXPORTER_OTLP_${upper}_${suffix}`) === undefined
        ? `OTEL_EXPORTER_OTLP_${suffix}`
        : `OTEL_EXPORTER_OTLP_${upper}_${suffix}`;
    const exporter = oneOf(`OTEL_${upper}_EXPORTER`, ["otlp", "none"], "otlp");
    const own = text(`OTEL_EXPORTER_OTLP_${upper}_ENDPOINT`);
    const base = text("OTEL_EXPORTER_OTLP_ENDPOINT");
    const target = own ?? base;
    const protocolName = nameOf("PROTOCOL");
    if (text(protocolName) === "grpc")
      problems.push(
        `${protocolName}: must be http/protobuf or http/json; a Worker cannot speak grpc`,
      );
    const protocol =
      text(protocolName) === "grpc"
        ? "http/protobuf"
        : oneOf(protocolName, ["http/protobuf", "http/json"], "http/protobuf");
    if (target === undefined || exporter === "none") return undefined;
    if (!URL.canParse(target) || !/^https?:/i.test(target)) {
      problems.push(
        `${own === undefined ? "OTEL_EXPORTER_OTLP_ENDPOINT" : `OTEL_EXPORTER_OTLP_${upper}_ENDPOINT`}: must be an http(s) URL`,
      );
      return undefined;
    }
    return {
      url: own === undefined ? appendPath(target, `v1/${signal}`) : new URL(own).href,
      headers: {
        ...list("OTEL_EXPORTER_OTLP_HEADERS"),
        ...list(`OTEL_EXPORTER_OTLP_${upper}_HEADERS`),
      },
      protocol,
      timeoutMs: number(nameOf("TIMEOUT"), 10_000, 600_000),
      gzip: oneOf(nameOf("COMPRESSION"), ["gzip", "none"], "none") === "gzip",
    };
  }

  const console = oneOf("STRATA_LOG", ["json", "off"], "json") === "json";
  const sampler = oneOf("OTEL_TRACES_SAMPLER", SAMPLERS, "parentbased_always_on");
  const service = text("OTEL_SERVICE_NAME");
  const settings: TelemetrySettings = {
    enabled: text("OTEL_SDK_DISABLED")?.toLowerCase() !== "true",
    endpoints: {
      traces: endpointOf("traces"),
      metrics: endpointOf("metrics"),
      logs: endpointOf("logs"),
    },
    resource: {
      "service.name": "strata",
      "telemetry.sdk.language": "webjs",
      "telemetry.sdk.name": "opentelemetry",
      ...list("OTEL_RESOURCE_ATTRIBUTES"),
      ...(service !== undefined && { "service.name": service }),
    },
    sampler,
    samplerRatio: sampler.endsWith("traceidratio") ? number("OTEL_TRACES_SAMPLER_ARG", 1, 1) : 1,
    propagators: propagatorsOf(text("OTEL_PROPAGATORS"), warnings),
    traceParent: oneOf("STRATA_TRACE_PARENT", TRACE_PARENTS, "link"),
    metricIntervalMs: number("OTEL_METRIC_EXPORT_INTERVAL", 60_000, 86_400_000),
    slowMs: number("STRATA_TRACE_SLOW_MS", 1_000, 600_000),
    plainKeys: oneOf("STRATA_TRACE_KEYS", ["hash", "plain"], "hash") === "plain",
    console,
    auditConsole: console || text("STRATA_DEV") === "1",
  };
  return { settings, warnings: [...new Set(warnings)], problems: [...new Set(problems)] };
}

/** Appends the path of a signal to the path of the base URL. */
function appendPath(base: string, path: string): string {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/${path}`;
  return url.href;
}

function propagatorsOf(
  value: string | undefined,
  warnings: string[],
): ReadonlySet<"tracecontext" | "baggage"> {
  const found = new Set<"tracecontext" | "baggage">();
  for (const name of (value ?? "tracecontext,baggage").split(",").map((part) => part.trim())) {
    if (name === "tracecontext" || name === "baggage") found.add(name);
    else if (name !== "none" && name !== "")
      warnings.push(`OTEL_PROPAGATORS: must be tracecontext, baggage or none; ${name} is ignored`);
  }
  return found;
}

/** Parses `key=value` pairs, which are separated by commas and percent-encoded. Undefined if a pair is malformed. */
function parsePairs(text: string): Record<string, string> | undefined {
  const pairs: Record<string, string> = {};
  for (const part of text.split(",")) {
    if (part.trim() === "") continue;
    const at = part.indexOf("=");
    const name = part.slice(0, at).trim();
    if (at < 1 || name === "") return undefined;
    try {
      pairs[decodeURIComponent(name)] = decodeURIComponent(part.slice(at + 1).trim());
    } catch {
      return undefined;
    }
  }
  return pairs;
}
