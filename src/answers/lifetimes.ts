import { definePolicy, type Policy, type PolicyOptions } from "../core/policy.ts";
import type { Millis } from "../core/time.ts";
import type { AnswerScope } from "./question.ts";

/** How long an answer is fresh, and how long after that it still answers while the model fails. */
export const LIFETIMES = {
  message: { freshFor: "5m", staleIfError: "1d" },
  persona: { freshFor: "1h", staleIfError: "1d" },
  session: { freshFor: "24h", staleIfError: "1d" },
} as const satisfies Readonly<
  Record<AnswerScope, Pick<PolicyOptions, "freshFor" | "staleIfError">>
>;

/** The time beside the call: the way to the Durable Object and back. */
const SLACK_MS: Millis = 2_000;

/** Creates the policies. A load lasts until the first frame; recordings share it, not flights. */
export function answerPolicies(firstMs: Millis): Readonly<Record<AnswerScope, Policy>> {
  const policyOf = (scope: AnswerScope): Policy =>
    definePolicy({ ...LIFETIMES[scope], flight: "off", originTimeout: firstMs + SLACK_MS });
  return {
    message: policyOf("message"),
    persona: policyOf("persona"),
    session: policyOf("session"),
  };
}
