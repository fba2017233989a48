import type { ConfigError } from "../../src/config.ts";
import type { Bindings } from "../../src/config/variables.ts";
import { readConfig } from "../../src/config.ts";

/** The known facts about the Worker to be deployed. */
export interface Deployment {
  /** Values of the variables of wrangler.toml and of the secrets file. */
  readonly values: Readonly<Record<string, string>>;
  /** Names of the secrets that the deployed Worker has. Their values cannot be read. */
  readonly deployed: ReadonlySet<string>;
  /** True if wrangler.toml gives the Worker its own domain. */
  readonly ownDomain: boolean;
}

/** The reasons against a deployment, and notes for its operator. */
export interface Findings {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Variables that point at services on the developer's machine. */
const LOCAL_ONLY = ["NEON_ENDPOINT", "STRATA_DEV"] as const;

/**
 * Returns the errors that the Worker itself would report for its variables at its first request.
 */
function configErrors(values: Readonly<Record<string, string>>): readonly string[] {
  try {
    readConfig(values as unknown as Bindings);
    return [];
  } catch (error) {
    return (error as ConfigError).problems ?? [String(error)];
  }
}

/** Checks whether a Worker with this configuration would serve its first request. */
export function preflight({ values, deployed, ownDomain }: Deployment): Findings {
  const set = (name: string): boolean => name in values || deployed.has(name);
  const problems = configErrors(values).filter(
    (problem) => !deployed.has(problem.split(":", 1)[0] ?? ""),
  );
  for (const name of LOCAL_ONLY) {
    if (set(name)) problems.push(`${name}: is for local services only; remove it`);
  }
  const warnings: string[] = [];
  if (!set("ADMIN_TOKEN") && !set("ADMIN_TOKENS"))
    warnings.push("ADMIN_TOKEN is not set: the admin API will reject every request");
  if (!ownDomain) {
    warnings.push(
      "wrangler.toml has no route with its own domain: on workers.dev the Cache API stores nothing",
    );
  }
  return { problems, warnings };
}
