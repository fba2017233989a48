/** Puts limits on an answer, also where another limiter has put its own. */
import type { Asked, Decision, Standing } from "./decision.ts";
import { binding, plainHeaders, rateLimit, rateLimitPolicy } from "./headers.ts";

/** The fields of a decision. Without the ledger there are no numbers to tell, only policies. */
export function answerHeaders(
  asked: readonly Asked[],
  decision: Decision,
  free: readonly Standing[],
): readonly (readonly [name: string, value: string])[] {
  const fields: [string, string][] = [];
  const policies = rateLimitPolicy(asked);
  if (policies !== "") fields.push(["RateLimit-Policy", policies]);
  if (!("standings" in decision)) return fields;
  const standings = [...decision.standings, ...free];
  const tightest = binding(standings);
  if (tightest === undefined) return fields;
  return [...fields, ["RateLimit", rateLimit(standings)], ...plainHeaders(tightest, decision.now)];
}

/** Lists grow; of the plain headers those of the tighter limit stay. */
export function applyHeaders(
  headers: Headers,
  fields: readonly (readonly [name: string, value: string])[],
): void {
  const others = headers.has("RateLimit-Policy");
  const before = others ? headers.get("X-RateLimit-Remaining") : null;
  const own = fields.find(([name]) => name === "X-RateLimit-Remaining")?.[1];
  const keeps = before !== null && own !== undefined && Number(before) <= Number(own);
  for (const [name, value] of fields) {
    if (others && name.startsWith("RateLimit")) headers.append(name, value);
    else if (!keeps) headers.set(name, value);
  }
}
