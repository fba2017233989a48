import { withTimeout } from "../resilience/deadline.ts";
import { problem } from "../http/cache/problem.ts";
import { answerWith, changeFields } from "../http/routes/answer.ts";
import { internalScopeOf } from "../http/routes/middleware.ts";
import { outerFieldsOf } from "../http/routes/outer-fields.ts";

/** The parts of the layer that every rate limiter answers and waits with. */
export const LIMIT_PORTS = {
  scopeOf: internalScopeOf,
  respond: problem,
  answers: { changeFields, outerFieldsOf, answerWith },
  withTimeout,
} as const;
