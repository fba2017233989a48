/** Traces of the requests of a Hono application that uses the data cache. */
import { DefinitionError } from "../core/faults.ts";
import { invalidationIn } from "../core/log.ts";
import { exporterPlatform } from "../platform.ts";
import { readSettings } from "../telemetry/settings.ts";
import { createTelemetry } from "../telemetry/telemetry.ts";
import type { DataTelemetry } from "./hono-layer.ts";

/** Time between two exports of an isolate. */
const FLUSH_MS = 2_000;

/**
 * Exports a trace of each sampled request as OTLP, with the steps of its lookups. `variables` has the
 * variables of OpenTelemetry, such as `OTEL_EXPORTER_OTLP_ENDPOINT` and `OTEL_SERVICE_NAME`: the
 * environment of the Worker is right. docs/operations/README.md lists them.
 *
 * @throws {DefinitionError} that names every wrong variable, without its value
 * @example
 * import { env } from "cloudflare:workers";
 * import { Hono } from "hono";
 *
 * const strata = createStrata({ namespace: "shop" });
 * const app = new Hono<StrataEnv>();
 * app.use(middleware(strata, app, { telemetry: telemetry(env) }));
 */
export function telemetry(variables: object): DataTelemetry {
  const { settings, warnings, problems } = readSettings(variables);
  if (problems.length > 0) throw new DefinitionError("telemetry", problems.join("; "));

  return {
    open({ coherence, memory, platform: { now, random, newId, sleep } }) {
      return createTelemetry({
        ...exporterPlatform,
        now,
        random,
        newId,
        sleep,
        settings,
        warnings,
        reported: undefined,
        peek: memory.peek,
        tokenPrices: { input: 0, output: 0 },
        invalidationOf: (entry) => invalidationIn(coherence.view, entry),
        flushMs: FLUSH_MS,
        // oxlint-disable-next-line no-console -- the console is the platform's log
        print: (line) => console.log(line),
      }).observer;
    },
  };
}
