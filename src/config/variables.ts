/** The bindings, variables and secrets of the Worker, and the checks of their values. */
import * as z from "zod/mini";
import type { Bindings } from "./bindings.ts";
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
  /** `DATABASE_URL`: the connection string of Postgres. It holds the password. */
  readonly databaseUrl: string;
  /** `NEON_ENDPOINT`: the URL of SQL over HTTP, if it is not that of the database's host. */
  readonly neonEndpoint: string | undefined;
  /** `UPSTASH_REDIS_REST_URL`: the URL of the REST API of Redis. */
  readonly redisUrl: string;
  /** `UPSTASH_REDIS_REST_TOKEN`: the secret of the REST API. */
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
  /** `STRATA_NAMESPACE`: the prefix of everything that the application stores. By default "strata". */
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
