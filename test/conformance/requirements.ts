/** Every demand on a shared cache that is checked; docs/http.md lists them. */
import { FRESHNESS } from "./freshness.ts";
import { INVALIDATION } from "./invalidation.ts";
import { PROXYING } from "./proxying.ts";
import { RANGE } from "./range.ts";
import { REQUEST_DIRECTIVES } from "./request-directives.ts";
import type { Requirement } from "./requirement.ts";
import { STALE } from "./stale.ts";
import { STORING } from "./storing.ts";
import { TARGETED } from "./targeted.ts";
import { VALIDATION } from "./validation.ts";
import { VARY } from "./vary.ts";

export const REQUIREMENTS: readonly Requirement[] = [
  ...STORING,
  ...FRESHNESS,
  ...REQUEST_DIRECTIVES,
  ...VARY,
  ...VALIDATION,
  ...INVALIDATION,
  ...STALE,
  ...RANGE,
  ...TARGETED,
  ...PROXYING,
];
