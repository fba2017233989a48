import type { ConfigError } from "../../src/config.ts";
import type { Bindings } from "../../src/config/bindings.ts";
import { readConfig } from "../../src/config.ts";
import { bindingFindings, type WorkerBindings } from "./bindings.ts";
import { evictionFindings, type EvictionState } from "./eviction-state.ts";
import { migrationFindings, type MigrationState } from "./migration-state.ts";
import type { Finding } from "./finding.ts";

/** The known facts about the Worker to be deployed, and about the services that it uses. */
export interface Deployment {
  /** Values of the variables of wrangler.toml and of the secrets file. */
  readonly values: Readonly<Record<string, string>>;
  /** Names of the secrets that the deployed Worker has. Their values cannot be read. */
  readonly deployed: ReadonlySet<string>;
  /** The arguments of wrangler that choose the environment, such as `--env staging`. */
  readonly environment: readonly string[];
  /** True if wrangler.toml or an argument gives the Worker its own domain. */
  readonly ownDomain: boolean;
  readonly bindings: WorkerBindings;
  readonly queues: readonly QueueState[];
  readonly migrations: MigrationState;
  readonly eviction: EvictionState;
}

/** Whether the account has a queue. `unknown`: wrangler could not tell. */
export interface QueueState {
  readonly name: string;
  readonly state: "exists" | "missing" | "unknown";
}

/** The reasons against a deployment, and notes for its operator. */
export interface Findings {
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/** Variables with the address of a server that gets data or a token. SQL always goes over https. */
const ADDRESSES = ["UPSTASH_REDIS_REST_URL", "ORIGIN_URL"] as const;

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

/** Checks whether a Worker with this configuration would serve its first request, and later ones well. */
export function preflight(deployment: Deployment): Findings {
  const { queues, bindings, migrations, eviction } = deployment;
  const found: readonly Partial<Findings>[] = [
    variableFindings(deployment),
    bindingFindings(bindings),
    ...queues.map(queueFindings),
    migrationFindings(migrations),
    domainFindings(deployment),
    evictionFindings(eviction),
  ];
  return {
    problems: found.flatMap(({ problems = [] }) => problems),
    warnings: found.flatMap(({ warnings = [] }) => warnings),
  };
}

function variableFindings({ values, deployed, environment }: Deployment): Partial<Findings> {
  const set = (name: string): boolean => name in values || deployed.has(name);
  const put = (name: string): string => ["npx wrangler secret put", name, ...environment].join(" ");
  const problems = configErrors(values).flatMap((text) => {
    const name = text.split(":", 1)[0] ?? "";
    if (deployed.has(name)) return [];
    const mend =
      name in values ? `correct ${name} in the secrets file or in wrangler.toml` : put(name);
    return [{ text, mend }];
  });
  for (const name of LOCAL_ONLY)
    if (set(name))
      problems.push({
        text: `${name}: is for local services only; remove it`,
        mend: deployed.has(name)
          ? ["npx wrangler secret delete", name, ...environment].join(" ")
          : `remove ${name} from the secrets file or from wrangler.toml`,
      });
  const warnings = ADDRESSES.filter((name) => /^http:/i.test(values[name] ?? "")).map((name) => ({
    text: `${name} begins with http://: what the Worker sends there is not encrypted`,
    mend: `write ${name} with https:// in the secrets file or in wrangler.toml`,
  }));
  if (!set("ADMIN_TOKEN") && !set("ADMIN_TOKENS"))
    warnings.push({
      text: "ADMIN_TOKEN is not set: the admin API will reject every request",
      mend: `openssl rand -hex 24 | ${put("ADMIN_TOKEN")}`,
    });
  return { problems, warnings };
}

function queueFindings({ name, state }: QueueState): Partial<Findings> {
  if (state === "missing")
    return {
      problems: [
        {
          text: `the queue ${name} of wrangler.toml does not exist`,
          mend: `npx wrangler queues create ${name}`,
        },
      ],
    };
  if (state === "exists") return {};
  const text = `whether the queue ${name} exists is not known`;
  return { warnings: [{ text, mend: `npx wrangler queues info ${name}` }] };
}

function domainFindings({ ownDomain, environment }: Deployment): Partial<Findings> {
  if (ownDomain) return {};
  const text =
    "wrangler.toml has no route with its own domain: on workers.dev the Cache API stores nothing";
  const mend = ["npm run deploy -- --domain cache.example.com", ...environment].join(" ");
  return { warnings: [{ text, mend }] };
}
