/** Reads the bindings and options of an isolate into one checked, frozen configuration. */
import { normalizeOptions } from "./config/read-settings.ts";
import type { Settings } from "./config/settings.ts";
import type { StrataOptions } from "./config/options.ts";
import type { Bindings } from "./config/bindings.ts";
import { readVariables, type VariableConfig } from "./config/variables.ts";
import { readSettings, type TelemetrySettings } from "./telemetry/settings.ts";

/** The checked variables and options of a layer, with every default filled in. It holds secrets. */
export interface Config extends VariableConfig {
  /** The options of `createStrata`. */
  readonly settings: Settings;
  /** The variables of OpenTelemetry. */
  readonly telemetry: TelemetrySettings;
  /** The variables of OpenTelemetry that are ignored, each with the reason. */
  readonly telemetryWarnings: readonly string[];
}

/**
 * Thrown by `createStrata` if variables or options are missing or wrong.
 *
 * @example
 * try {
 *   createStrata(env);
 * } catch (error) {
 *   if (error instanceof ConfigError) console.error(error.problems.join("\n"));
 * }
 */
export class ConfigError extends Error {
  /**
   * One line for each problem: the name of the variable or option, and what it should be. It never
   * holds a value.
   */
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`configuration: ${problems.join("; ")}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/**
 * Reads the configuration. @throws {ConfigError} that lists every missing or malformed variable and
 * every wrong option.
 */
export function readConfig(bindings: Bindings, options: StrataOptions = {}): Config {
  const { variables, problems } = readVariables(bindings);
  const telemetry = readSettings(bindings);
  const checked = normalizeOptions(options);
  const all = [...problems, ...telemetry.problems, ...checked.problems];
  if (checked.settings.log.groups !== "off" && bindings.LOGS === undefined)
    all.push("log.groups: must be off without the binding LOGS");
  if (variables === undefined || all.length > 0) throw new ConfigError(all);
  return Object.freeze({
    ...variables,
    settings: checked.settings,
    telemetry: telemetry.settings,
    telemetryWarnings: telemetry.warnings,
  });
}
