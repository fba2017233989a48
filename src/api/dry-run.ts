/** Runs a GET request through the routes of this API without a load: which keys does it read? */
import type { Context, Hono, MiddlewareHandler } from "hono";
import type { DryRead, DryRun, RateLimits, Strata, StrataEnv } from "../index.ts";

export interface DryAnswer {
  readonly status: number;
  /** The `type` of the problem that the route answered, if it answered one. */
  readonly problem: string | undefined;
  readonly reads: readonly DryRead[];
}

export type RunDry = (path: string, c: Context<StrataEnv>) => Promise<DryAnswer>;

/** The services of the application in a dry run that are not those of the real one. */
export interface DryServices extends Pick<Strata, "rateLimits" | "tracedFetch" | "live"> {
  readonly scope: MiddlewareHandler<StrataEnv>;
  readonly dashboard: undefined;
}

/** The body of a problem has at most this many characters. A longer one is no problem of this API. */
const MAX_PROBLEM = 4_096;

/** `build` builds the application, at the first dry run. */
export function createRunDry(
  { admin, rateLimits }: Pick<Strata, "admin" | "rateLimits">,
  build: (services: DryServices) => Hono<StrataEnv>,
): RunDry {
  let running: { readonly app: Hono<StrataEnv>; readonly dry: DryRun } | undefined;

  function start() {
    const dry = admin.createDryRun();
    const app = build({
      scope: dry.scope,
      rateLimits: withoutLimits(rateLimits),
      dashboard: undefined,
      // A dry run opens no connection to a topic.
      live: { listen: () => Promise.resolve(new Response(null)) },
      tracedFetch: () => Promise.reject(new Error("a dry run sends no request")),
    });
    return { app, dry };
  }

  return async (path, c) => {
    running ??= start();
    const { app, dry } = running;
    // The request has no credentials, so that it is the request of any client.
    const request = new Request(new URL(path, c.req.url));
    const response = await app.fetch(request, c.env, c.executionCtx);
    return {
      status: response.status,
      problem: await problemIn(response),
      reads: dry.readsOf(request),
    };
  };
}

/** Returns the rate limits without their effect, so that a dry run takes no token. */
function withoutLimits(limits: RateLimits<StrataEnv>): RateLimits<StrataEnv> {
  return {
    ...limits,
    rateLimit: () => (_c, next) => next(),
    limitFailures: () => ({
      check: () => undefined,
      fail: () => Promise.resolve(undefined),
      succeed: () => undefined,
    }),
  };
}

async function problemIn(response: Response): Promise<string | undefined> {
  const isProblem = response.headers.get("Content-Type")?.startsWith("application/problem+json");
  if (isProblem !== true) {
    await response.body?.cancel();
    return undefined;
  }
  const text = await response.text();
  if (text.length > MAX_PROBLEM) return undefined;
  try {
    const type: unknown = (JSON.parse(text) as { readonly type?: unknown } | null)?.type;
    return typeof type === "string" ? type : undefined;
  } catch {
    return undefined;
  }
}
