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
