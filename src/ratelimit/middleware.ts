import type { Context as HonoContext, Env, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { DefinitionError } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import type { Asked, Decision, Standing } from "./decision.ts";
import { answerHeaders, applyHeaders } from "./response-headers.ts";
import { refuse, type Respond } from "./refusal.ts";
import type { Identities, User } from "./identity.ts";
import {
  smallestLimit,
  windowsFor,
  type Behaviour,
  type LimitPolicy,
  type Rule,
} from "./limit-policy.ts";

/** What the limiter needs of a request's scope. */
export interface LimitScope {
  readonly ctx: Context;
  /** Set if the request runs for the cache's sake: nobody is waiting, nobody is charged. */
  readonly refreshing: unknown;
  /** Set once a limit has told where the caller stands. */
  limited: boolean;
}

/** Tokens that a request takes. */
export type Cost = number | ((c: HonoContext) => number);

export interface MiddlewareOptions<E extends Env> {
  readonly scopeOf: (c: HonoContext<E>) => LimitScope;
  readonly policies: readonly LimitPolicy[];
  readonly behaviour: Behaviour;
  readonly cost: Cost;
  readonly identities: Identities;
  readonly respond: Respond;
  /** The one rule of that place and kind, whichever limiter named it first. */
  readonly register: (name: string, rule: Rule) => Rule;
  readonly decide: (
    asked: readonly Asked[],
    cost: number,
    behaviour: Behaviour,
    ctx: Context,
  ) => Decision | Promise<Decision>;
}

/** A rule where it is counted. */
interface Placed {
  readonly rule: Rule;
  readonly policy: string;
  /** Of the keys of its accounts. */
  readonly prefix: string;
}

/** Every account of a request, and the policies that would count it if its client were not free. */
interface Subject {
  readonly asked: readonly Asked[];
  readonly free: readonly Asked[];
}

const SAFE = new Set(["GET", "HEAD"]);

export function createMiddleware<E extends Env>(
  options: MiddlewareOptions<E>,
): MiddlewareHandler<E> {
  const { policies, behaviour, identities, register, respond, decide } = options;
  checkCost(options.cost, policies);
  const wantsUser = policies.some(({ rules }) =>
    rules.some(({ kind, plans }) => kind === "user" || plans.size > 0),
  );

  /** The rules where they are counted: known before any request, if the place has a name. */
  const places = policies.map(({ name, rules }) =>
    name === undefined
      ? (c: HonoContext) => rules.map((rule) => inPlace(placeOf(c), rule))
      : rules.map((rule) => inPlace(name, rule)),
  );

  function inPlace(name: string, defined: Rule): Placed {
    const rule = register(name, defined);
    return { rule, policy: `${name}-${rule.kind}`, prefix: `${name}:${rule.kind}:` };
  }

  function subjectOf(c: HonoContext, user: User | undefined): Subject {
    const asked: Asked[] = [];
    const free: Asked[] = [];
    for (const place of places)
      for (const { rule, policy, prefix } of typeof place === "function" ? place(c) : place) {
        const { kind } = rule;
        const windows = windowsFor(rule, user?.plan);
        const value =
          kind === "ip" ? identities.address(c) : kind === "user" ? user?.id : endpointOf(c);
        if (value !== undefined) asked.push({ policy, windows, key: prefix + value });
        else if (kind === "ip") free.push({ policy, windows, key: "" });
      }
    return { asked, free };
  }

  function costOf(c: HonoContext): number {
    if (typeof options.cost === "number") return options.cost;
    const cost = options.cost(c);
    if (!Number.isSafeInteger(cost) || cost < 0)
      throw new DefinitionError("cost", `${cost} is not a whole number of tokens`);
    return cost;
  }

  function conclude(c: HonoContext<E>, { asked, free }: Subject, decision: Decision): void {
    const all = free.length === 0 ? asked : [...asked, ...free];
    const fields = answerHeaders(all, decision, free.flatMap(wholeOf));
    applyHeaders(c.res.headers, fields);
    if (fields.plain !== undefined) options.scopeOf(c).limited = true;
  }

  /** Puts the refusal where the answer would be. Nothing of the answer leaves. */
  async function replace(c: HonoContext<E>, decision: Decision): Promise<void> {
    const discarded = c.finalized ? c.res : undefined;
    // Unset first: Hono would merge the discarded headers into the refusal.
    c.res = undefined;
    c.res = refuse(decision, respond);
    await discarded?.body?.cancel();
  }

  return async function limited(c, next) {
    const { ctx, refreshing } = options.scopeOf(c);
    if (refreshing !== undefined) return next();
    const found = wantsUser ? identities.user(c) : undefined;
    const user = found instanceof Promise ? await found : found;
    const subject = subjectOf(c, user);
    const pending =
      subject.asked.length === 0 ? passFree(ctx) : decide(subject.asked, costOf(c), behaviour, ctx);
    // A strict limit asks while the cache is read. What has effects waits for the answer.
    const overlaps =
      behaviour.mode === "strict" &&
      SAFE.has(c.req.method) &&
      c.req.header("Upgrade") === undefined;
    if (pending instanceof Promise && overlaps) {
      const [decision] = await Promise.all([pending, next()]);
      if (isRefused(decision)) await replace(c, decision);
      return conclude(c, subject, decision);
    }
    // What is known at once must not cost a turn.
    const decision = pending instanceof Promise ? await pending : pending;
    if (isRefused(decision)) await replace(c, decision);
    else await next();
    conclude(c, subject, decision);
  };
}

/** Where a client stands who is not counted. */
function wholeOf({ policy, windows }: Asked): readonly Standing[] {
  return windows.map((window) => ({
    policy,
    balance: { window, remaining: window.limit, resetMs: 0, waitMs: 0 },
  }));
}

function passFree(ctx: Context): Decision {
  return { outcome: "allowed", by: "memory", standings: [], now: ctx.now() };
}

function isRefused({ outcome }: Decision): boolean {
  return outcome === "refused" || outcome === "closed";
}

function checkCost(cost: Cost, policies: readonly LimitPolicy[]): void {
  if (typeof cost === "function") return;
  if (!Number.isSafeInteger(cost) || cost < 1)
    throw new DefinitionError("cost", `${cost} is not a whole number of tokens, 1 or more`);
  const smallest = smallestLimit(policies);
  if (cost > smallest)
    throw new DefinitionError("cost", `${cost} would never fit into a limit of ${smallest}`);
}

/** Where this middleware was put: "GET /products/:id", "ALL /*". */
function placeOf(c: HonoContext): string {
  const route = matchedRoutes(c)[c.req.routeIndex];
  return route === undefined ? "ALL *" : `${route.method} ${route.path}`;
}

/** The route that answers, by method and pattern: a bounded number of them, whatever is asked for. */
function endpointOf(c: HonoContext): string {
  const route = matchedRoutes(c).findLast(({ method }) => method !== "ALL");
  return route === undefined ? "none" : `${route.method} ${route.path}`;
}
