import { DurableObject } from "cloudflare:workers";
import type { Clock } from "../core/time.ts";
import type { TakeRequest } from "../ratelimit/ledger.ts";
import type { OwnAlgorithm } from "../ratelimit/behaviour.ts";
import type { LedgerRpc } from "./ledger-rpc.ts";
import type { GivenBack } from "./ledger-table.ts";
import { createLedgerTables, type LedgerTables } from "./ledger-tables.ts";
import type { ObjectClass } from "./object-class.ts";
import { createObjectCleaning } from "./object-cleaning.ts";
import { sqlOf } from "./object-sql.ts";

export interface LedgerObjectOptions {
  readonly now: Clock;
  /** The most rows of each of the two tables. */
  readonly maxRows: number;
}

/** One alarm deletes at most this many rows of each table. If there are more, the next one follows soon. */
const EXPIRED_AT_ONCE = 5_000;

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
    readonly #cleaning = createObjectCleaning({
      storage: this.ctx.storage,
      now,
      clean: () => this.#tables.removeExpired(EXPIRED_AT_ONCE),
      isEmpty: this.#tables.isEmpty,
    });

    async take(algorithm: OwnAlgorithm, take: TakeRequest) {
      const taken = this.#tables.take(algorithm, take);
      await this.#cleaning.later();
      return taken;
    }

    async giveBack(algorithm: OwnAlgorithm, given: GivenBack) {
      return this.#tables.giveBack(algorithm, given);
    }

    async forget(algorithm: OwnAlgorithm, keys: readonly string[]) {
      this.#tables.forget(algorithm, keys);
    }

    async ping() {}

    override async alarm(): Promise<void> {
      await this.#cleaning.run();
    }
  };
}
