import { DefinitionError } from "../core/faults.ts";
import { createAccountTable } from "./accounts.ts";
import { createInspection } from "./inspection.ts";
import { createLimiter } from "./limiter.ts";
import { createMiddleware } from "./middleware.ts";
import { defineBehaviour, definePolicy } from "./policy.ts";
import { createSettlement } from "./settlement.ts";
export function createRateLimits(options) {
  const { scopeOf, ledgerOf, identities, respond, within, timeoutMs, maxAccounts } = options;
  const counters = new Map();
  const registry = new Map();
  function counterOf(algorithm) {
    let counter = counters.get(algorithm);
    if (counter === undefined) {
      const ledger = ledgerOf(algorithm);
      const table = createAccountTable({ maxAccounts, maxOwing: Math.ceil(maxAccounts / 4) });
      const settlement = createSettlement({ ledger, table, timeoutMs });
      const limiter = createLimiter({ settlement, table, timeoutMs, within });
      counter = { ledger, table, settlement, limiter };
      counters.set(algorithm, counter);
    }
    return counter;
  }
  function register(name, rule, algorithm) {
    const id = `${algorithm} ${name} ${rule.kind}`;
    const found = registry.get(id);
    if (found !== undefined) return found.rule;
    registry.set(id, { name, rule, counter: counterOf(algorithm) });
    return rule;
  }
  return {
    rateLimit(given, ...also) {
      const policies = [given, ...also].map(definePolicy);
      const behaviour = defineBehaviour(given, policies);
      const { algorithm } = behaviour;
      for (const { name, rules } of policies)
        if (name !== undefined)
          for (const rule of rules)
            if (!sameWindows(register(name, rule, algorithm), rule))
              throw new DefinitionError(
                "name",
                `"${name}" has other limits for ${rule.kind} elsewhere`,
              );
      const { limiter } = counterOf(algorithm);
      return createMiddleware({
        scopeOf,
        policies,
        behaviour,
        cost: given.cost ?? 1,
        identities,
        respond,
        register: (name, rule) => register(name, rule, algorithm),
        decide: limiter.decide,
      });
    },
    ...createInspection({ registered: () => registry.values() }),
    stats() {
      let [accounts, owing, forgiven, unknown] = [0, 0, 0, 0];
      for (const { table, settlement } of counters.values()) {
        const stats = table.stats();
        accounts += stats.accounts;
        owing += stats.owing;
        forgiven += stats.forgiven;
        unknown += settlement.unknown();
      }
      return { accounts, owing, forgiven, unknown };
    },
  };
}
function sameWindows(a, b) {
  const shape = ({ windows, plans }) => JSON.stringify([windows, [...plans]]);
  return shape(a) === shape(b);
}
