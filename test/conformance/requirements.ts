/** All requirements that are checked. docs/http-requirements.md lists them. */
import { FRESHNESS } from "./freshness.ts";
import { HEAD } from "./head.ts";
import { INVALIDATION } from "./invalidation.ts";
import { MULTIPLE_RANGES } from "./multiple-ranges.ts";
import { PROXYING } from "./proxying.ts";
import { RANGE } from "./range.ts";
import { REQUEST_DIRECTIVES } from "./request-directives.ts";
import type { Requirement } from "./requirement.ts";
import { STALE } from "./stale.ts";
import { STORING } from "./storing.ts";
import { TARGETED } from "./targeted.ts";
import { VALIDATION } from "./validation.ts";
import { VARY } from "./vary.ts";

/** The requirements by the file that defines them. */
export const CHECKS: Readonly<Record<string, readonly Requirement[]>> = {
  "storing.ts": STORING,
  "freshness.ts": FRESHNESS,
  "request-directives.ts": REQUEST_DIRECTIVES,
  "vary.ts": VARY,
  "validation.ts": VALIDATION,
  "head.ts": HEAD,
  "invalidation.ts": INVALIDATION,
  "stale.ts": STALE,
  "range.ts": RANGE,
  "multiple-ranges.ts": MULTIPLE_RANGES,
  "targeted.ts": TARGETED,
  "proxying.ts": PROXYING,
};

export const REQUIREMENTS: readonly Requirement[] = Object.values(CHECKS).flat();
