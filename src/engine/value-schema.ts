import { DefinitionError } from "../core/faults.ts";
import type { Entry } from "../core/entry.ts";
import type { Policy, ValueSchema } from "../core/policy.ts";

export type Conformed = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

/**
 * The value in the shape that the program expects today: as it is, or migrated from
 * an older shape. What a tier holds may have been written by an earlier deployment.
 */
export function conform({ schema, migrate }: Policy, value: unknown): Conformed {
  if (schema === undefined) return { ok: true, value };
  const checked = check(schema, value);
  return checked.ok || migrate === undefined ? checked : check(schema, migrate(value));
}

/** By policy and entry, so that each is looked at once, however often it is read. */
const known = new WeakMap<Policy, WeakMap<Entry, boolean>>();

/** Whether an entry's value fits its policy's schema. */
export function fits(entry: Entry, policy: Policy): boolean {
  if (policy.schema === undefined || entry.kind === "absent") return true;
  let entries = known.get(policy);
  if (entries === undefined) known.set(policy, (entries = new WeakMap()));
  let fit = entries.get(entry);
  if (fit === undefined) {
    fit = conform(policy, JSON.parse(String(entry.body))).ok;
    entries.set(entry, fit);
  }
  return fit;
}

function check(schema: ValueSchema, value: unknown): Conformed {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise)
    throw new DefinitionError("schema", "must be one that validates without waiting");
  return "issues" in result && result.issues !== undefined
    ? { ok: false }
    : { ok: true, value: "value" in result ? result.value : value };
}
