import { DurableObject } from "cloudflare:workers";
import type { Clock, Millis } from "../core/time.ts";
import type { TakeRequest } from "../ratelimit/ledger.ts";
import type { LedgerRpc } from "./ledger-rpc.ts";
import type { DurableAlgorithm, GivenBack } from "./ledger-table.ts";
import { createLedgerTables, type LedgerTables } from "./ledger-tables.ts";
import type { ObjectClass } from "./object-class.ts";
import { sqlOf } from "./object-sql.ts";

export interface LedgerObjectOptions {
  readonly now: Clock;
  /** The most rows of each of the two tables. */
  readonly maxRows: number;
}

/** The alarm deletes rows that count no longer this often, while there are rows. */
const CLEAN_EVERY_MS: Millis = 300_000;
/** One alarm deletes at most this many rows of each table. If there are more, the next one follows soon. */
const EXPIRED_AT_ONCE = 5_000;
const NEXT_STEP_MS: Millis = 1_000;

/**
 * The Durable Object that holds the ledger of rate limits of a namespace, or a part of its accounts. A
 * method has no wait inside, so that it charges all accounts of a request or none.
 */
export function createLedgerObject<Env>({
  now,
  maxRows,
}: LedgerObjectOptions): ObjectClass<Env, LedgerRpc> {
  return class StrataLedger extends DurableObject<Env> implements LedgerRpc {
    readonly #tables: LedgerTables = createLedgerTables({
      sql: sqlOf(this.ctx.storage),
      now,
      maxRows,
    });
    #hasAlarm = false;

    async take(algorithm: DurableAlgorithm, take: TakeRequest) {
      const taken = this.#tables.take(algorithm, take);
      await this.#cleanLater();
      return taken;
    }

    async giveBack(algorithm: DurableAlgorithm, given: GivenBack) {
      return this.#tables.giveBack(algorithm, given);
    }

    async forget(algorithm: DurableAlgorithm, keys: readonly string[]) {
      this.#tables.forget(algorithm, keys);
    }

    async ping() {}

    override async alarm(): Promise<void> {
      const more = this.#tables.removeExpired(EXPIRED_AT_ONCE);
      this.#hasAlarm = more || !this.#tables.isEmpty();
      if (this.#hasAlarm)
        await this.ctx.storage.setAlarm(now() + (more ? NEXT_STEP_MS : CLEAN_EVERY_MS));
    }

    /** Sets the alarm, unless this life of the object knows that it is set. */
    async #cleanLater(): Promise<void> {
      if (this.#hasAlarm) return;
      const { storage } = this.ctx;
      if ((await storage.getAlarm()) === null) await storage.setAlarm(now() + CLEAN_EVERY_MS);
      this.#hasAlarm = true;
    }
  };
}
