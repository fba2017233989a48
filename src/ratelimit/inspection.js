/** What operators may know and do about one identity. */
import { DefinitionError } from "../core/faults.ts";
import { addressIdentity } from "./address.ts";
import { balanceOf } from "./balance.ts";
import { charge } from "./bucket.ts";
import { standingsOf } from "./decision.ts";
import { IDENTITY_KINDS, windowsFor } from "./policy.ts";
const MAX_IDENTITY_LENGTH = 256;
export function createInspection({ registered }) {
  /** What Redis has for these accounts, with the debts of this isolate. */
  function withDebts(asked, taken, table) {
    return asked.map(({ key, windows }, i) => {
      const known = table.peek(key);
      const given = known === undefined ? 0 : known.debt + known.flying;
      const buckets = taken.buckets?.[i];
      if (given === 0 || buckets === undefined) return taken.balances[i] ?? [];
      return windows.map((window, w) =>
        balanceOf(charge(buckets[w], window, taken.now, given), window, taken.now, 0),
      );
    });
  }
  function matching(identity, plan) {
    return [...registered()]
      .filter(({ rule }) => rule.kind === identity.kind)
      .map((one) => ({
        registered: one,
        asked: {
          policy: `${one.name}-${identity.kind}`,
          key: `${one.name}:${identity.kind}:${identity.value}`,
          windows: windowsFor(one.rule, plan),
        },
      }));
  }
  async function getLimitInfo(text, ctx, { plan } = {}) {
    const identity = parseIdentity(text);
    const limits = [];
    for (const [counter, asked] of byCounter(matching(identity, plan))) {
      const taken = await counter.ledger.peek(asked, ctx);
      if (!taken.ok) return taken;
      for (const { policy, balance } of standingsOf(
        asked,
        withDebts(asked, taken.value, counter.table),
      )) {
        const { window, remaining, resetMs } = balance;
        limits.push({ policy, limit: window.limit, windowMs: window.widthMs, remaining, resetMs });
      }
    }
    return { ok: true, value: { identity: `${identity.kind}:${identity.value}`, limits } };
  }
  return {
    getLimitInfo,
    async resetLimits(text, ctx) {
      const identity = parseIdentity(text);
      for (const [counter, asked] of byCounter(matching(identity))) {
        const done = await counter.ledger.forget(asked, ctx);
        if (!done.ok) return done;
        for (const { key } of asked) counter.table.forget(key);
      }
      return getLimitInfo(text, ctx);
    },
  };
}
function byCounter(matches) {
  const groups = new Map();
  for (const { asked, registered } of matches) {
    const group = groups.get(registered.counter) ?? [];
    group.push(asked);
    groups.set(registered.counter, group);
  }
  return groups;
}
/**
 * Reads `ip:<address>`, `user:<id>` or `endpoint:<method> <pattern>`. Without a
 * kind an address is an address, and anything else a user.
 *
 * @throws {DefinitionError} if it is none of them.
 */
export function parseIdentity(text) {
  const wrong = (why) => new DefinitionError("identity", why);
  if (text === "" || text.length > MAX_IDENTITY_LENGTH)
    throw wrong(`must have 1 to ${MAX_IDENTITY_LENGTH} characters`);
  const kind = IDENTITY_KINDS.find((one) => text.startsWith(`${one}:`));
  const value = kind === undefined ? text : text.slice(kind.length + 1);
  if (value === "") throw wrong(`must be ${kind}:<value>`);
  const address = value === "none" ? value : addressIdentity(value.replace(/\/64$/, ""));
  if (kind === "ip" && address === undefined) throw wrong(`${JSON.stringify(value)} is no address`);
  if (kind === "ip" || (kind === undefined && address !== undefined && value !== "none"))
    return { kind: "ip", value: address ?? value };
  return { kind: kind ?? "user", value };
}
