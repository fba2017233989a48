import { DurableObject } from "cloudflare:workers";
import type { Grant, GrantRequest } from "../core/slot-grants.ts";
import type { Clock } from "../core/time.ts";
import { createSlotLedger, type SlotLedger } from "./slot-ledger.ts";
import type { ObjectClass } from "./object-class.ts";

/** The methods that isolates call. */
export interface SlotGrantsRpc {
  grant(request: GrantRequest): Promise<Grant>;
}

/** The key of the instant at which the last call of all grants has ended. */
const UNTIL = "until";

/**
 * The Durable Object that shares the slots for calls of the origin among all isolates. It stores one
 * instant on disk, before each answer: if the object is lost, the next one grants no further slots
 * until the calls under the lost grants have ended.
 */
export function createSlotGrants<Env>({
  now,
}: {
  readonly now: Clock;
}): ObjectClass<Env, SlotGrantsRpc> {
  return class SlotGrants extends DurableObject<Env> implements SlotGrantsRpc {
    #ledger: SlotLedger | undefined;

    async grant(request: GrantRequest): Promise<Grant> {
      this.#ledger ??= createSlotLedger(now, (await this.ctx.storage.get<number>(UNTIL)) ?? 0);
      const { slots, forMs, until } = this.#ledger.grant(request);
      await this.ctx.storage.put(UNTIL, until);
      return { slots, forMs };
    }
  };
}
