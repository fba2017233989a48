import type { Fault, Strata } from "../index.ts";
import { ApiProblem } from "./errors.ts";

/** Requires the queue. @throws {ApiProblem} 503 that names the missing binding */
export function requireQueue({ isBound }: Strata["jobs"]["messages"]): void {
  if (!isBound)
    throw new ApiProblem({
      status: 503,
      type: "queue-unbound",
      title: "Queue Unbound",
      detail: "This route needs queues that are bound to the Worker as QUEUE and DEAD_LETTERS.",
    });
}

/** The answer to a request whose message the queue did not take. */
export function queueUnavailable({ code }: Fault): ApiProblem {
  return new ApiProblem({
    status: 503,
    type: "queue-unavailable",
    title: "Queue Unavailable",
    detail: `The queue did not confirm the message (${code}). Send the request again.`,
    headers: { "Retry-After": "1" },
  });
}
