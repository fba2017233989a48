/** The middleware of one limiter. It counts a request, and then refuses it or passes it on. */
import type { Context as HonoContext, Env, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { Context } from "../core/context.ts";
import { DefinitionError } from "../core/faults.ts";
import type { FieldNames } from "../core/header-families.ts";
import type { Behaviour } from "./behaviour.ts";
import type { Decision, RequestAccount } from "./decision.ts";
import { FREE, UNKNOWN, type Identities, type User } from "./identity.ts";
import { allWindows, windowsForPlan, type LimitPolicy, type Rule } from "./limit-policy.ts";
import type { Limiter } from "./limiter.ts";
import { refuse, refuseUnknownAddress, type Respond } from "./refusal.ts";
import { applyLimitFields, limitFields } from "./response-headers.ts";
import type { Balance } from "./window.ts";

/** The part of the request scope that a limiter needs. */
export interface LimitScope {
  readonly ctx: Context;
  /** Set if the request is a background refresh. Such a request has no client, so it is not counted. */
  readonly refreshing: unknown;
  /** The limiter sets this once the response has fields with the tokens that are left. */
  limited: boolean;
}

/** The tokens that a request takes: a number, or a function of the request. */
export type Cost = number | ((c: HonoContext) => number);

export interface MiddlewareOptions<E extends Env> {
  readonly scopeOf: (c: HonoContext<E>) => LimitScope;
  readonly policies: readonly LimitPolicy[];
  readonly behaviour: Behaviour;
  readonly cost: Cost;
  readonly identities: Identities;
  readonly respond: Respond;
  readonly answers: AnswerPort;
  readonly fields: FieldNames;
  /** Registers a rule under a name. Returns the rule that was registered first under this name and kind. */
  readonly register: (name: string, rule: Rule) => Rule;
  readonly decide: Limiter["decide"];
  readonly peek: Limiter["peek"];
  /** Whether the user of the request's session counts too. */
  readonly sessions: boolean;
}

/** The port to the functions that change the answer of a context. */
export interface AnswerPort {
  /** Changes the fields of the answer, also if they are immutable. */
  changeFields(c: HonoContext, change: (headers: Headers) => void): void;
  /** Returns the fields that middleware has set so far. They belong on every answer. */
  outerFieldsOf(c: HonoContext): Headers;
  /** Answers with this response and the fields of outer middleware. No other field is sent. */
  answerWith(
    c: HonoContext,
    answer: { readonly response: Response; readonly outer: Headers },
  ): void;
}

/** A rule with the name of its policy. */
interface NamedRule {
  readonly rule: Rule;
  readonly policy: string;
  /** The start of the keys of its accounts. */
  readonly keyPrefix: string;
}

interface Subject {
  /** The accounts that are charged. */
  readonly counted: readonly RequestAccount[];
  /** The accounts of a client that is not counted. The response fields show their whole limit as left. */
  readonly free: readonly RequestAccount[];
}

const SAFE_METHODS = new Set(["GET", "HEAD"]);

export function createMiddleware<E extends Env>(
  options: MiddlewareOptions<E>,
): MiddlewareHandler<E> {
  const { policies, behaviour, identities, register, respond, decide, peek, answers } = options;
  const { fields: families } = options;
  checkCost(options.cost, policies);
  const needsUser = policies.some(({ rules }) =>
    rules.some(({ kind, plans }) => kind === "user" || plans.size > 0),
  );

  /** The rules of each policy. A policy without a name is named after the path at which the middleware is mounted. */
  const namedRules = policies.map(({ name, rules }) =>
    name === undefined
      ? (c: HonoContext) => rules.map((rule) => nameRule(mountPointOf(c), rule))
      : rules.map((rule) => nameRule(name, rule)),
  );

  function nameRule(name: string, defined: Rule): NamedRule {
    const rule = register(name, defined);
    return { rule, policy: `${name}-${rule.kind}`, keyPrefix: `${name}:${rule.kind}:` };
  }

  /** Returns undefined if a rule counts addresses and the client's address is not known. */
  function subjectOf(c: HonoContext, user: User | undefined): Subject | undefined {
    const counted: RequestAccount[] = [];
    const free: RequestAccount[] = [];
    for (const rules of namedRules)
      for (const { rule, policy, keyPrefix } of typeof rules === "function" ? rules(c) : rules) {
        const { kind } = rule;
        const windows = user?.plan === undefined ? rule.windows : windowsForPlan(rule, user.plan);
        const value =
          kind === "ip" ? identities.address(c) : kind === "user" ? user?.id : endpointOf(c);
        if (value === UNKNOWN) return undefined;
        if (value === FREE) free.push({ policy, windows, key: "" });
        else if (value !== undefined) counted.push({ policy, windows, key: keyPrefix + value });
      }
    return { counted, free };
  }

  /**
   * Returns the user. A request that the address alone has used up is refused anyway, so that Redis is not
   * asked for its session: cookies that a client makes up cost nothing then.
   */
  function identify(c: HonoContext, ctx: Context): User | undefined | Promise<User | undefined> {
    if (!options.sessions) return identities.user(c);
    const early = subjectOf(c, undefined);
    if (early === undefined || peek(early.counted, costOf(c), ctx) !== undefined)
      return identities.user(c);
    return identities.userOrSession(c);
  }

  function costOf(c: HonoContext): number {
    if (typeof options.cost === "number") return options.cost;
    const cost = options.cost(c);
    if (!Number.isSafeInteger(cost) || cost < 0)
      throw new DefinitionError("cost", `${cost} is not a whole number of tokens, 0 or more`);
    return cost;
  }

  function addFields(c: HonoContext<E>, { counted, free }: Subject, decision: Decision): void {
    const isKnown = "balances" in decision;
    const fields = limitFields(
      free.length === 0 ? counted : [...counted, ...free],
      isKnown ? withFree(decision.balances, free) : undefined,
      isKnown ? decision.now : 0,
    );
    const scope = options.scopeOf(c);
    const { limited } = scope;
    try {
      applyLimitFields(c.res.headers, fields, families, limited);
    } catch {
      // The fields of this response are immutable.
      answers.changeFields(c, (headers) => applyLimitFields(headers, fields, families, limited));
    }
    if (fields.nearest !== undefined) scope.limited = true;
  }

  /** Answers with the refusal. No part of an earlier answer is sent, but the fields of outer middleware are. */
  async function refuseWith(
    c: HonoContext<E>,
    { counted }: Subject,
    decision: Decision,
    outer: Headers,
  ): Promise<void> {
    const discarded = c.finalized ? c.res : undefined;
    answers.answerWith(c, { response: refuse(decision, counted, respond), outer });
    await discarded?.body?.cancel();
  }

  return async function limit(c, next) {
    const { ctx, refreshing } = options.scopeOf(c);
    if (refreshing !== undefined) return next();
    const identified = needsUser ? identify(c, ctx) : undefined;
    const user = identified instanceof Promise ? await identified : identified;
    const subject = subjectOf(c, user);
    if (subject === undefined) return refuseUnknownAddress(respond);
    const pending =
      subject.counted.length === 0
        ? allowFree(ctx)
        : decide(subject.counted, costOf(c), behaviour, ctx);
    // For GET and HEAD a strict limiter asks the ledger while the cache is read. Other methods may
    // have effects, so they wait for its answer.
    const overlaps =
      behaviour.mode === "strict" &&
      SAFE_METHODS.has(c.req.method) &&
      c.req.header("Upgrade") === undefined;
    if (pending instanceof Promise && overlaps) {
      const outer = answers.outerFieldsOf(c);
      const [decision] = await Promise.all([pending, next()]);
      if (isRefused(decision)) await refuseWith(c, subject, decision, outer);
      return addFields(c, subject, decision);
    }
    // `await` is used only for a promise, because awaiting a plain value would cost a turn of the
    // event loop.
    const decision = pending instanceof Promise ? await pending : pending;
    if (isRefused(decision)) await refuseWith(c, subject, decision, answers.outerFieldsOf(c));
    else await next();
    addFields(c, subject, decision);
  };
}

/** Returns the balances with those of the free accounts, which have their whole limit left. */
function withFree(
  balances: readonly (readonly Balance[])[],
  free: readonly RequestAccount[],
): readonly (readonly Balance[])[] {
  return free.length === 0 ? balances : [...balances, ...free.map(fullBalances)];
}

function fullBalances({ windows }: RequestAccount): readonly Balance[] {
  return windows.map((window) => ({ window, remaining: window.limit, resetMs: 0, waitMs: 0 }));
}

/** Returns the decision for a client that no rule counts. */
function allowFree(ctx: Context): Decision {
  return { outcome: "allowed", by: "memory", balances: [], now: ctx.now() };
}

function isRefused({ outcome }: Decision): boolean {
  return outcome === "refused" || outcome === "closed";
}

function checkCost(cost: Cost, policies: readonly LimitPolicy[]): void {
  if (typeof cost === "function") return;
  if (!Number.isSafeInteger(cost) || cost < 1)
    throw new DefinitionError("cost", `${cost} is not a whole number of tokens, 1 or more`);
  const smallest = Math.min(...allWindows(policies).map(({ limit }) => limit));
  if (cost > smallest)
    throw new DefinitionError("cost", `${cost} would never fit into a limit of ${smallest}`);
}

/** Returns the method and path at which this middleware is mounted: "GET /products/:id", "ALL /*". */
function mountPointOf(c: HonoContext): string {
  const route = matchedRoutes(c)[c.req.routeIndex];
  return route === undefined ? "ALL *" : `${route.method} ${route.path}`;
}

/**
 * Returns the method and pattern of the route that answers. A path would not do, because the number
 * of paths has no bound.
 */
function endpointOf(c: HonoContext): string {
  const route = matchedRoutes(c).findLast(({ method }) => method !== "ALL");
  return route === undefined ? "none" : `${route.method} ${route.path}`;
}
