/** What a limiter is told, checked and with its defaults. */
import { DefinitionError } from "../core/faults.ts";
import { parseLimit } from "./limit.ts";
export const IDENTITY_KINDS = ["ip", "user", "endpoint"];
const ALGORITHMS = [
  "sliding-window",
  "sliding-log",
  "upstash-sliding-window",
  "upstash-fixed-window",
  "upstash-token-bucket",
];
const MODES = ["strict", "fast"];
const ON_UNAVAILABLE = ["open", "closed", "local"];
/** A member a token: more belongs into buckets. */
const MAX_LOG_LIMIT = 1000;
const NAME = /^[\w.~-]{1,64}$/;
/** @throws {DefinitionError} naming the field that is wrong. */
export function definePolicy(options) {
  const { name } = options;
  if (name !== undefined && !NAME.test(name))
    throw new DefinitionError("name", "must be 1 to 64 letters, digits and any of _ . ~ -");
  const rules = IDENTITY_KINDS.flatMap((kind) => {
    const limits = options[kind];
    return limits === undefined ? [] : [ruleOf(kind, limits)];
  });
  if (rules.length === 0)
    throw new DefinitionError("limits", "give at least one of ip, user and endpoint");
  return { name, rules };
}
function ruleOf(kind, limits) {
  if (typeof limits === "string" || Array.isArray(limits))
    return { kind, windows: parseLimit(limits, kind), plans: new Map() };
  if (typeof limits !== "object" || limits === null || !("default" in limits))
    throw new DefinitionError(
      kind,
      'must be a limit such as "100/1m", a list of them, or { default, plans }',
    );
  const plans = Object.entries(limits.plans ?? {}).map(([plan, text]) => [
    plan,
    parseLimit(text, `${kind}.plans.${plan}`),
  ]);
  return { kind, windows: parseLimit(limits.default, `${kind}.default`), plans: new Map(plans) };
}
/** The windows that hold for a caller of this plan. */
export function windowsFor(rule, plan) {
  return (plan === undefined ? undefined : rule.plans.get(plan)) ?? rule.windows;
}
/** The smallest number of tokens that any window of these policies admits. */
export function smallestLimit(policies) {
  return Math.min(...windowsOf(policies).map(({ limit }) => limit));
}
function windowsOf(policies) {
  return policies.flatMap(({ rules }) =>
    rules.flatMap((rule) => [...rule.windows, ...[...rule.plans.values()].flat()]),
  );
}
/** @throws {DefinitionError} naming the field that is wrong. */
export function defineBehaviour(options, policies) {
  const {
    mode = "strict",
    onUnavailable = "open",
    algorithm = "sliding-window",
    lease = 0.1,
  } = options;
  oneOf("mode", mode, MODES);
  oneOf("onUnavailable", onUnavailable, ON_UNAVAILABLE);
  oneOf("algorithm", algorithm, ALGORITHMS);
  if (!(lease > 0 && lease <= 1))
    throw new DefinitionError("lease", "must be more than 0 and at most 1");
  if (mode === "fast" && algorithm !== "sliding-window")
    throw new DefinitionError(
      "mode",
      `"fast" lends from "sliding-window"; "${algorithm}" is for "strict"`,
    );
  if (algorithm === "sliding-log" && windowsOf(policies).some(({ limit }) => limit > MAX_LOG_LIMIT))
    throw new DefinitionError("algorithm", `"sliding-log" is for limits up to ${MAX_LOG_LIMIT}`);
  return { mode, onUnavailable, algorithm, lease };
}
function oneOf(field, value, allowed) {
  if (!allowed.includes(value))
    throw new DefinitionError(
      field,
      `must be one of ${allowed.map((one) => `"${one}"`).join(", ")}`,
    );
}
