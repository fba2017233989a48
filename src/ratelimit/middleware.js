import { matchedRoutes } from "hono/route";
import { DefinitionError } from "../core/faults.ts";
import { answerHeaders, applyHeaders } from "./answer.ts";
import { refuse } from "./refusal.ts";
import { smallestLimit, windowsFor } from "./policy.ts";
const SAFE = new Set(["GET", "HEAD"]);
export function createMiddleware(options) {
  const { policies, behaviour, identities, register, respond, decide } = options;
  checkCost(options.cost, policies);
  const wantsUser = policies.some(({ rules }) =>
    rules.some(({ kind, plans }) => kind === "user" || plans.size > 0),
  );
  function subjectOf(c, user) {
    const asked = [];
    const free = [];
    for (const { name = placeOf(c), rules } of policies)
      for (const defined of rules) {
        const rule = register(name, defined);
        const { kind } = rule;
        const windows = windowsFor(rule, user?.plan);
        const policy = `${name}-${kind}`;
        const value =
          kind === "ip" ? identities.address(c) : kind === "user" ? user?.id : endpointOf(c);
        if (value !== undefined) asked.push({ policy, windows, key: `${name}:${kind}:${value}` });
        else if (kind === "ip") free.push({ policy, windows, key: "" });
      }
    return { asked, free };
  }
  function costOf(c) {
    if (typeof options.cost === "number") return options.cost;
    const cost = options.cost(c);
    if (!Number.isSafeInteger(cost) || cost < 0)
      throw new DefinitionError("cost", `${cost} is not a whole number of tokens`);
    return cost;
  }
  function conclude(c, { asked, free }, decision) {
    const whole = free.flatMap(({ policy, windows }) =>
      windows.map((window) => ({
        policy,
        balance: { window, remaining: window.limit, resetMs: 0, waitMs: 0 },
      })),
    );
    applyHeaders(c.res.headers, answerHeaders([...asked, ...free], decision, whole));
  }
  /** Puts the refusal where the answer would be. Nothing of the answer leaves. */
  async function replace(c, decision) {
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
    const decision = await pending;
    if (isRefused(decision)) await replace(c, decision);
    else await next();
    conclude(c, subject, decision);
  };
}
function passFree(ctx) {
  return { outcome: "allowed", by: "memory", standings: [], now: ctx.now() };
}
function isRefused({ outcome }) {
  return outcome === "refused" || outcome === "closed";
}
function checkCost(cost, policies) {
  if (typeof cost === "function") return;
  if (!Number.isSafeInteger(cost) || cost < 1)
    throw new DefinitionError("cost", `${cost} is not a whole number of tokens, 1 or more`);
  const smallest = smallestLimit(policies);
  if (cost > smallest)
    throw new DefinitionError("cost", `${cost} would never fit into a limit of ${smallest}`);
}
/** Where this middleware was put: "GET /products/:id", "ALL /*". */
function placeOf(c) {
  const route = matchedRoutes(c)[c.req.routeIndex];
  return route === undefined ? "ALL *" : `${route.method} ${route.path}`;
}
/** The route that answers, by method and pattern: a bounded number of them, whatever is asked for. */
function endpointOf(c) {
  const route = matchedRoutes(c).findLast(({ method }) => method !== "ALL");
  return route === undefined ? "none" : `${route.method} ${route.path}`;
}
