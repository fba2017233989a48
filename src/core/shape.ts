/** Checks of parsed JSON. A check says whether a value has a shape; it changes nothing. */
export type Check = (value: unknown) => boolean;

export const isNumber: Check = (value) => typeof value === "number";
export const isInteger: Check = (value) => Number.isInteger(value);
export const isText: Check = (value) => typeof value === "string";
export const isFlag: Check = (value) => typeof value === "boolean";

export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

export const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

/** A list with exactly these elements. */
export const tupleOf =
  (...checks: readonly Check[]): Check =>
  (value) =>
    Array.isArray(value) &&
    value.length === checks.length &&
    checks.every((check, i) => check(value[i]));

/** An object that has the members of `needed`, and those of `optional` or not. It may have others. */
export function objectOf(
  needed: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  const required = Object.entries(needed);
  const allowed = Object.entries(optional);
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    const members = value as Readonly<Record<string, unknown>>;
    return (
      required.every(([name, check]) => check(members[name])) &&
      allowed.every(([name, check]) => members[name] === undefined || check(members[name]))
    );
  };
}
