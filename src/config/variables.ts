/** The bindings, variables and secrets of the Worker, and the checks of their values. */
import * as z from "zod/mini";
import { parseCorsOrigins, type CorsOrigins } from "./cors-origins.ts";
import {
  ADMIN_ROLES,
  ADMIN_TOKEN_PATTERN,
  hasConflicts,
  parseAdminTokens,
  type AdminToken,
} from "./admin-tokens.ts";
import { modelOf, modelProblems, modelVariables, type ModelConfig } from "./model-variables.ts";

const EXPOSURES = ["all", "status", "none"] as const;
/** How much response fields tell clients about the cache. */
export type Exposure = (typeof EXPOSURES)[number];

/** The environment of the Worker, from wrangler.toml and `wrangler secret put`. */
export interface Bindings {
  /** The Durable Objects that coalesce loads between isolates. */
  readonly FLIGHTS: DurableObjectNamespace;
  /** The Durable Objects that add up metrics. Without this binding `/metrics` and the dashboard are off. */
  readonly METRICS?: DurableObjectNamespace;
  /**
   * The Durable Object that wakes the relay. Without this binding, second invalidations wait for
   * the cron trigger.
   */
  readonly OUTBOX?: DurableObjectNamespace;
  /**
   * The Durable Objects that ask Redis for the changes of the invalidation log, one for each region.
   * Without this binding, each isolate asks Redis itself.
   */
  readonly LOGS?: DurableObjectNamespace;
  /**
   * The Durable Object that shares the cap `origin.totalSlots` among all isolates. Without this
   * binding there is no such cap.
   */
  readonly SLOTS?: DurableObjectNamespace;
  /**
   * The Durable Objects that send live events to their listeners, one for each topic. Without this
   * binding there are no live events, and routes that send them answer 503.
   */
  readonly LIVE?: DurableObjectNamespace;
  /**
   * The Durable Objects that make the calls of the model, one for each key. Without this binding, only
   * the questions of one isolate share a call.
   */
  readonly ANSWERS?: DurableObjectNamespace;
  /** The queue of messages. Without this binding, routes that send messages answer 503. */
  readonly QUEUE?: Queue;
  /** The dead-letter queue, for messages that the consumer gives up. `QUEUE` needs it. */
  readonly DEAD_LETTERS?: Queue;
  /** The static files of the dashboard. */
  readonly ASSETS?: Fetcher;
  /**
   * The version of the deployed Worker. With it, the warm-up of the reference API runs after a deployment. Its id
   * is the default of `DEPLOYMENT_ID`.
   */
  readonly CF_VERSION_METADATA?: Pick<WorkerVersionMetadata, "id">;
  /** The connection string of the Neon database. Required. */
  readonly DATABASE_URL?: string;
  /** The URL to which SQL is sent instead of Neon. Only the local services set it. */
  readonly NEON_ENDPOINT?: string;
  /** The URL of the Upstash REST API. Required. */
  readonly UPSTASH_REDIS_REST_URL?: string;
  /** The token of the Upstash REST API. Required. */
  readonly UPSTASH_REDIS_REST_TOKEN?: string;
  /**
   * The bearer token for writes and for `/admin`, at least 24 characters. Its name is `admin` and its
   * role `all`. Without this variable and `ADMIN_TOKENS`, writes and `/admin` are refused.
   */
  readonly ADMIN_TOKEN?: string;
  /**
   * Further tokens, as `<name>:<role>:<token>`, separated by commas. The roles are `scrape`, `read`,
   * `purge` and `all`.
   */
  readonly ADMIN_TOKENS?: string;
  /** The HTTP origin that the proxy caches. */
  readonly ORIGIN_URL?: string;
  /** The value `1` makes the proxy serve the root, in place of the reference API. */
  readonly ORIGIN_AT_ROOT?: string;
  /** How much of an origin's responses clients share: `safe` or `rfc`. Default: `safe`. */
  readonly ORIGIN_SHARING?: string;
  /** The request headers with credentials, separated by commas. Default: `X-API-Key, X-Auth-Token, Cf-Access-Jwt-Assertion`. */
  readonly ORIGIN_CREDENTIAL_HEADERS?: string;
  /** Untrusted request headers that the origin gets all the same, separated by commas. Default none. */
  readonly ORIGIN_FORWARD_HEADERS?: string;
  /** API keys of callers, as `<sha-256 in hex> <user> [plan]`, separated by commas. */
  readonly API_KEYS?: string;
  /** The name of the header that holds the client's address. Default: `CF-Connecting-IP`. */
  readonly CLIENT_ADDRESS_HEADER?: string;
  /**
   * The web origins whose pages may read answers of this Worker's own routes, separated by commas, or
   * `*` for all. Default none.
   */
  readonly CORS_ORIGINS?: string;
  /** The value `1` lets pages of CORS_ORIGINS send cookies. It does not go with `*`. */
  readonly CORS_CREDENTIALS?: string;
  /** The address of an OpenAI-compatible model, before `/chat/completions`. Without it `POST /chat` answers 503. */
  readonly LLM_BASE_URL?: string;
  /** The bearer token of the model. Default: the model needs none. */
  readonly LLM_API_KEY?: string;
  /** The name of the model. `LLM_BASE_URL` needs it. */
  readonly LLM_MODEL?: string;
  /** The price of a million tokens that the model reads, in US dollars. Default: 0. */
  readonly LLM_INPUT_PRICE?: string;
  /** The price of a million tokens that the model writes, in US dollars. Default: 0. */
  readonly LLM_OUTPUT_PRICE?: string;
  /** The personas whose answers signed-in users share, separated by commas. Default none. */
  readonly CHAT_SHARED_PERSONAS?: string;
  /** The name of this deployment, for the tag `deployment:<id>` of answers. */
  readonly DEPLOYMENT_ID?: string;
  /** The prefix of everything that is stored. Default: `strata`. */
  readonly STRATA_NAMESPACE?: string;
  /**
   * How much response fields tell clients: `all` (tiers and the duration of each step), `status` (hit or
   * miss, and the total duration) or `none`. Default: `all`.
   */
  readonly STRATA_EXPOSE?: string;
  /** The value is `1` under `npm run dev`. */
  readonly STRATA_DEV?: string;
}

const postgres = z
  .string("set it to a Neon connection string")
  .check(z.refine((text) => isUrl(text, "postgres:", "postgresql:"), "must be a postgres:// URL"));
const http = z
  .string("set it to an http(s) URL")
  .check(z.refine((text) => isUrl(text, "http:", "https:"), "must be an http(s) URL"));

const API_KEY = /^(?:|[0-9a-f]{64}\s+[\w.@~-]{1,128}(?:\s+[\w.@~-]{1,128})?)$/;

const headerNames = z.optional(
  z
    .string()
    .check(
      z.regex(
        /^(?:[ \t]*[\w-]{1,64}[ \t]*(?:,|$))*$/,
        "must be names of headers, separated by commas",
      ),
    ),
);

const Variables = z.object({
  DATABASE_URL: postgres,
  NEON_ENDPOINT: z.optional(http),
  UPSTASH_REDIS_REST_URL: http,
  UPSTASH_REDIS_REST_TOKEN: z
    .string("set it to the token of the database")
    .check(z.minLength(1, "must not be empty")),
  ADMIN_TOKEN: z.optional(
    z
      .string()
      .check(
        z.regex(
          ADMIN_TOKEN_PATTERN,
          "must have 24 to 512 visible ASCII characters, without spaces",
        ),
      ),
  ),
  ADMIN_TOKENS: z.optional(
    z
      .string()
      .check(
        z.refine(
          (text) => parseAdminTokens(text) !== undefined,
          `must be entries of <name>:<role>:<token>, separated by commas; a role is one of ${ADMIN_ROLES.join(", ")}, and a token has 24 to 512 visible ASCII characters`,
        ),
      ),
  ),
  ORIGIN_URL: z.optional(http),
  ORIGIN_AT_ROOT: z.optional(z.enum(["0", "1", ""], "must be 1, or not set")),
  ORIGIN_SHARING: z.optional(z.enum(["safe", "rfc", ""], "must be safe or rfc, or not set")),
  ORIGIN_CREDENTIAL_HEADERS: headerNames,
  ORIGIN_FORWARD_HEADERS: headerNames,
  API_KEYS: z.optional(
    z
      .string()
      .check(
        z.refine(
          (text) => text.split(/[,\n]/).every((entry) => API_KEY.test(entry.trim())),
          "must be entries of <sha-256 of the key, in hex> <user> [plan], separated by commas",
        ),
      ),
  ),
  CLIENT_ADDRESS_HEADER: z.optional(
    z.string().check(z.regex(/^[A-Za-z0-9-]{1,64}$/, "must be the name of a header")),
  ),
  CORS_ORIGINS: z.optional(
    z
      .string()
      .check(
        z.refine(
          (text) => parseCorsOrigins(text) !== undefined,
          "must be origins such as https://shop.example, without a path, separated by commas; or *",
        ),
      ),
  ),
  CORS_CREDENTIALS: z.optional(z.enum(["0", "1", ""], "must be 1, or not set")),
  ...modelVariables,
  STRATA_NAMESPACE: z.optional(
    z.string().check(z.regex(/^[a-z0-9-]{1,32}$/, "must be 1 to 32 of a-z, 0-9 and -")),
  ),
  STRATA_EXPOSE: z.optional(z.enum([...EXPOSURES, ""], "must be all, status or none, or not set")),
  STRATA_DEV: z.optional(z.string()),
});

/** The checked variables. Absent variables have their default, if there is one. */
export interface VariableConfig {
  readonly databaseUrl: string;
  readonly neonEndpoint: string | undefined;
  readonly redisUrl: string;
  readonly redisToken: string;
  /** The tokens of operators: that of ADMIN_TOKEN and those of ADMIN_TOKENS. */
  readonly adminTokens: readonly AdminToken[];
  /** The HTTP origin that the proxy caches. */
  readonly originUrl: string | undefined;
  /** Whether the proxy serves the root, in place of the reference API. */
  readonly originAtRoot: boolean;
  /** How much of an origin's responses clients share. */
  readonly originSharing: "safe" | "rfc";
  /** The request headers with credentials beside Authorization and Cookie; undefined for the default ones. */
  readonly originCredentialHeaders: readonly string[] | undefined;
  /** Untrusted request headers that the origin gets all the same. */
  readonly originForwardHeaders: readonly string[];
  /** The users, by the digest of their API key. ratelimit/api-keys.ts describes the format. */
  readonly apiKeys: string;
  /** The name of the header that holds the client's address. */
  readonly clientAddressHeader: string;
  /** The web origins whose pages may read answers of this Worker's own routes. */
  readonly corsOrigins: CorsOrigins;
  /** Whether these pages may send cookies. */
  readonly corsCredentials: boolean;
  /** The model that answers questions. */
  readonly model: ModelConfig | undefined;
  /** The personas whose answers signed-in users share. */
  readonly sharedPersonas: readonly string[];
  /** The name of this deployment. */
  readonly deployment: string | undefined;
  readonly namespace: string;
  /** How much response fields tell clients. */
  readonly expose: Exposure;
  /** Whether the Worker runs under `npm run dev`. */
  readonly dev: boolean;
}

export interface CheckedVariables {
  /** The checked variables. Undefined if a variable is missing or malformed. */
  readonly variables: VariableConfig | undefined;
  /** One line for each wrong variable: its name, and what it should be. It never holds the value. */
  readonly problems: readonly string[];
}

/** Checks every variable of the layer and the reference API. */
export function readVariables(bindings: Bindings): CheckedVariables {
  const parsed = Variables.safeParse(bindings);
  const problems = (parsed.error?.issues ?? []).map(
    (issue) => `${issue.path.join(".")}: ${issue.message}`,
  );
  if (bindings.ORIGIN_AT_ROOT === "1" && bindings.ORIGIN_URL === undefined)
    problems.push("ORIGIN_URL: set it to an http(s) URL, since ORIGIN_AT_ROOT is 1");
  if (bindings.CORS_CREDENTIALS === "1" && !isListOfOrigins(bindings.CORS_ORIGINS))
    problems.push("CORS_ORIGINS: must list the origins, since CORS_CREDENTIALS is 1");
  problems.push(...modelProblems(bindings));
  if (!parsed.success) return { variables: undefined, problems };
  const { data } = parsed;
  const adminTokens: readonly AdminToken[] = [
    ...(data.ADMIN_TOKEN === undefined
      ? []
      : [{ name: "admin", role: "all" as const, token: data.ADMIN_TOKEN }]),
    ...(parseAdminTokens(data.ADMIN_TOKENS ?? "") ?? []),
  ];
  if (hasConflicts(adminTokens))
    problems.push("ADMIN_TOKENS: one token must not have two names or two roles");
  return {
    variables: {
      databaseUrl: data.DATABASE_URL,
      neonEndpoint: data.NEON_ENDPOINT,
      redisUrl: data.UPSTASH_REDIS_REST_URL,
      redisToken: data.UPSTASH_REDIS_REST_TOKEN,
      adminTokens,
      originUrl: data.ORIGIN_URL,
      originAtRoot: data.ORIGIN_AT_ROOT === "1",
      originSharing: data.ORIGIN_SHARING === "rfc" ? "rfc" : "safe",
      originCredentialHeaders: namesIn(data.ORIGIN_CREDENTIAL_HEADERS),
      originForwardHeaders: namesIn(data.ORIGIN_FORWARD_HEADERS) ?? [],
      apiKeys: data.API_KEYS ?? "",
      clientAddressHeader: data.CLIENT_ADDRESS_HEADER ?? "CF-Connecting-IP",
      corsOrigins: parseCorsOrigins(data.CORS_ORIGINS ?? "") ?? [],
      corsCredentials: data.CORS_CREDENTIALS === "1",
      model: modelOf(data),
      sharedPersonas: namesIn(data.CHAT_SHARED_PERSONAS) ?? [],
      deployment: data.DEPLOYMENT_ID ?? bindings.CF_VERSION_METADATA?.id,
      namespace: data.STRATA_NAMESPACE ?? "strata",
      expose: data.STRATA_EXPOSE || "all",
      dev: data.STRATA_DEV === "1",
    },
    problems,
  };
}

function isListOfOrigins(text = ""): boolean {
  const origins = parseCorsOrigins(text);
  return origins !== undefined && origins !== "*" && origins.length > 0;
}

function isUrl(text: string, ...protocols: string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol);
}

/** The names in a list that is separated by commas. */
function namesIn(list: string | undefined): readonly string[] | undefined {
  return list
    ?.split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
