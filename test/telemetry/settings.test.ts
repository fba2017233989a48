import { describe, expect, it } from "vitest";
import { readConfig, ConfigError } from "../../src/config.ts";
import type { Bindings } from "../../src/config/bindings.ts";
import { readSettings } from "../../src/telemetry/settings.ts";

const read = (variables: Readonly<Record<string, string>>) => readSettings(variables);

describe("OTEL_* variables", () => {
  it("telemetry is on by default, and exports nothing until an endpoint is set", () => {
    const { settings, warnings, problems } = read({});
    expect(settings).toMatchObject({
      enabled: true,
      sampler: "parentbased_always_on",
      endpoints: { traces: undefined, metrics: undefined, logs: undefined },
    });
    expect([warnings, problems]).toEqual([[], []]);
  });

  it("telemetry appends the path of a signal to OTEL_EXPORTER_OTLP_ENDPOINT, but uses the endpoint for one signal unchanged", () => {
    const { endpoints } = read({
      OTEL_EXPORTER_OTLP_ENDPOINT: "https://c.example/base/",
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "https://l.example",
    }).settings;
    expect(endpoints.traces?.url).toBe("https://c.example/base/v1/traces");
    expect(endpoints.metrics?.url).toBe("https://c.example/base/v1/metrics");
    expect(endpoints.logs?.url).toBe("https://l.example/");
  });

  it("telemetry decodes OTEL_* headers and resource attributes, and prefers headers for one signal and OTEL_SERVICE_NAME", () => {
    const { settings } = read({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://c.example",
      OTEL_EXPORTER_OTLP_HEADERS: "a=1%2C2, b = x=y",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "a=3",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=attr,team=a%20b",
      OTEL_SERVICE_NAME: "named",
    });
    expect(settings.endpoints.traces?.headers).toEqual({ a: "3", b: "x=y" });
    expect(settings.endpoints.logs?.headers).toEqual({ a: "1,2", b: "x=y" });
    expect(settings.resource).toMatchObject({ "service.name": "named", team: "a b" });
  });

  it.each([undefined, "link", "", "always"])(
    "telemetry links to a caller's trace, but does not continue it, if STRATA_TRACE_PARENT is %s",
    (value) => {
      const variables: Record<string, string> =
        value === undefined ? {} : { STRATA_TRACE_PARENT: value };
      const { settings, warnings } = read(variables);
      expect(settings.traceParent).toBe("link");
      expect(warnings.join()).toContain(value === "always" ? "STRATA_TRACE_PARENT" : "");
    },
  );

  it("telemetry ignores the whole value of an OTEL_* list variable that is malformed, and adds a warning", () => {
    const { settings, warnings } = read({ OTEL_RESOURCE_ATTRIBUTES: "a=1,b=%zz" });
    expect(settings.resource).not.toHaveProperty("a");
    expect(warnings.join()).toContain("OTEL_RESOURCE_ATTRIBUTES");
  });

  it.each([
    ["OTEL_TRACES_SAMPLER", "sometimes", { sampler: "parentbased_always_on" }],
    ["OTEL_SDK_DISABLED", "TRUE", { enabled: false }],
    ["OTEL_SDK_DISABLED", "1", { enabled: true }],
    ["OTEL_SDK_DISABLED", "", { enabled: true }],
  ])(
    "the environment variable %s=%s is read as the specification of OpenTelemetry says",
    (name, value, expected) => {
      expect(read({ [name]: value }).settings).toMatchObject(expected);
    },
  );

  it("OTEL_TRACES_SAMPLER_ARG sets the ratio of a ratio sampler; a value out of range becomes 1 with a warning", () => {
    const ratio = (arg: string) =>
      read({ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: arg });
    expect(ratio("0.25").settings.samplerRatio).toBe(0.25);
    expect(ratio("7").settings.samplerRatio).toBe(1);
    expect(ratio("7").warnings).toHaveLength(1);
  });

  it("OTEL_* variables set timeout, compression, protocol and exporter for one signal or for all", () => {
    const { endpoints } = read({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://c.example",
      OTEL_EXPORTER_OTLP_TIMEOUT: "5000",
      OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: "100",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: "http/json",
      OTEL_METRICS_EXPORTER: "none",
    }).settings;
    expect(endpoints.traces).toMatchObject({
      timeoutMs: 5_000,
      gzip: true,
      protocol: "http/protobuf",
    });
    expect(endpoints.logs).toMatchObject({ timeoutMs: 100, protocol: "http/json" });
    expect(endpoints.metrics).toBeUndefined();
  });

  it("the configuration check rejects the OTLP protocol grpc with an error that lists the supported protocols", () => {
    const bindings = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" } as unknown as Bindings;
    expect(() => readConfig(bindings)).toThrow(ConfigError);
    expect(() => readConfig(bindings)).toThrow(
      /DATABASE_URL.*OTEL_EXPORTER_OTLP_PROTOCOL.*http\/protobuf/,
    );
  });
});
