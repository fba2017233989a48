import { DefinitionError } from "../core/faults.ts";
import type { Entry } from "../core/entry.ts";
import type { Policy, ValueSchema } from "../core/policy.ts";
import type { Serializer } from "../core/serializer.ts";

export type Conformed = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

/**
 * Checks a value against the policy's schema. A value that does not match is migrated and checked
 * again. A tier may hold values that an earlier deployment wrote.
 */
export function conform({ schema, migrate }: Policy, value: unknown): Conformed {
  if (schema === undefined) return { ok: true, value };
  const checked = check(schema, value);
  return checked.ok || migrate === undefined ? checked : check(schema, migrate(value));
}

/** Caches the results of `fits`, so that an entry that is read often is checked only once for each policy. */
const results = new WeakMap<Policy, WeakMap<Entry, boolean>>();

/**
 * Whether an entry's value is readable and matches the schema of the policy, if necessary after
 * migration. A text of another serializer is not readable.
 */
export function fits(entry: Entry, policy: Policy, serializer: Serializer): boolean {
  if (entry.kind === "absent") return true;
  if (!serializer.owns(String(entry.body))) return false;
  if (policy.schema === undefined) return true;
  let byEntry = results.get(policy);
  if (byEntry === undefined) results.set(policy, (byEntry = new WeakMap()));
  let fit = byEntry.get(entry);
  if (fit === undefined) {
    fit = conform(policy, serializer.read(String(entry.body))).ok;
    byEntry.set(entry, fit);
  }
  return fit;
}

function check(schema: ValueSchema, value: unknown): Conformed {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise)
    throw new DefinitionError("schema", "must validate without waiting");
  return "issues" in result && result.issues !== undefined
    ? { ok: false }
    : { ok: true, value: "value" in result ? result.value : value };
}
