/** Puts limits on an answer, also where another limiter has put its own. */
import type { Asked, Decision, Standing } from "./decision.ts";
import { binding, plainLimit, rateLimit, rateLimitPolicy, type PlainLimit } from "./headers.ts";

/** What an answer says of limits; "" and undefined are left out. */
export interface LimitFields {
  readonly policies: string;
  readonly standing: string;
  readonly plain: PlainLimit | undefined;
}

/** The fields of a decision. Without the ledger there are no numbers to tell, only policies. */
export function answerHeaders(
  asked: readonly Asked[],
  decision: Decision,
  free: readonly Standing[],
): LimitFields {
  const policies = rateLimitPolicy(asked);
  if (!("standings" in decision)) return { policies, standing: "", plain: undefined };
  const standings = free.length === 0 ? decision.standings : [...decision.standings, ...free];
  const tightest = binding(standings);
  return {
    policies,
    standing: rateLimit(standings),
    plain: tightest && plainLimit(tightest, decision.now),
  };
}

/** Lists grow; of the plain headers those of the tighter limit stay. */
export function applyHeaders(headers: Headers, { policies, standing, plain }: LimitFields): void {
  if (policies === "") return;
  const before = headers.has("RateLimit-Policy") ? headers.get("X-RateLimit-Remaining") : null;
  headers.append("RateLimit-Policy", policies);
  if (standing !== "") headers.append("RateLimit", standing);
  if (plain === undefined || (before !== null && Number(before) <= plain.remaining)) return;
  headers.set("X-RateLimit-Limit", String(plain.limit));
  headers.set("X-RateLimit-Remaining", String(plain.remaining));
  headers.set("X-RateLimit-Reset", String(plain.reset));
}
