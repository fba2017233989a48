import type { Step } from "../transcript.ts";

/** Returns the step of an EVAL. */
export function script(
  body: string,
  keys: readonly string[] = [],
  ...args: readonly (string | number)[]
): Step {
  return ["EVAL", body, keys.length, ...keys, ...args];
}
