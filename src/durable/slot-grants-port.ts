import type { WithTimeout } from "../core/deadline.ts";
import type { AskForGrant } from "../core/slot-grants.ts";
import type { Millis } from "../core/time.ts";
import type { SlotGrantsRpc } from "./slot-grants.ts";

export interface SlotGrantsPortOptions {
  /** Creates a stub. A stub cannot be used again after an error. */
  readonly stub: () => SlotGrantsRpc;
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** Implements `AskForGrant` with calls of the SlotGrants object. */
export function createAskForGrant(options: SlotGrantsPortOptions): AskForGrant {
  const { stub, timeoutMs, withTimeout } = options;
  return async (request) => {
    try {
      return await withTimeout(stub().grant(request), timeoutMs);
    } catch {
      // The isolate goes on with the slots that need no grant.
      return undefined;
    }
  };
}
