import { resolve } from "node:path";
import { parseArgs } from "node:util";

export interface ChaosOptions {
  /** The names of the trials to run; empty for all. */
  readonly names: readonly string[];
  /** Reports the figures, and does not judge them. */
  readonly measure: boolean;
  /** Scales the durations of the trials. */
  readonly factor: number;
  /** Scales the rates at which clients come. */
  readonly rate: number;
  /** File for the figures as JSON. */
  readonly json: string | undefined;
  /** How many of the slowest visits of each outcome are printed after each drive. */
  readonly slowest: number;
  /** The folder of the Worker under test, from ROOT. Default: this repository. */
  readonly root: string | undefined;
}

/** The trials of `--short`, and the factor of their durations. */
const SHORT = {
  names: ["sql-down-attempts", "sql-500-writes", "redis-readonly", "flush"],
  factor: 0.25,
} as const;

/** Reads the command line of `npm run chaos`. Throws for an unknown option or a wrong factor. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): ChaosOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      measure: { type: "boolean", default: false },
      short: { type: "boolean", default: false },
      factor: { type: "string", default: "1" },
      rate: { type: "string", default: "1" },
      json: { type: "string" },
      slowest: { type: "string", default: "0" },
    },
  });
  const positive = (name: "factor" | "rate"): number => {
    const value = Number(values[name]);
    if (value > 0) return value;
    throw new Error(`--${name} is "${values[name]}"; it should be a number above 0`);
  };
  const slowest = Number(values.slowest);
  if (!Number.isInteger(slowest) || slowest < 0)
    throw new Error(`--slowest is "${values.slowest}"; it should be a whole number, 0 or more`);
  const root = env["ROOT"];
  return {
    names: values.short ? SHORT.names : positionals,
    measure: values.measure,
    factor: values.short ? SHORT.factor : positive("factor"),
    rate: positive("rate"),
    json: values.json,
    slowest,
    root: root === undefined || root === "" ? undefined : resolve(root),
  };
}
