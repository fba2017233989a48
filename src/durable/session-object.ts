import { DurableObject } from "cloudflare:workers";
import type { Clock } from "../core/time.ts";
import type { ObjectClass } from "./object-class.ts";
import { createObjectCleaning } from "./object-cleaning.ts";
import { sqlOf } from "./object-sql.ts";
import type { SessionRpc } from "./session-rpc.ts";
import { createSessionTables, type SessionTables } from "./session-tables.ts";

export interface SessionObjectOptions {
  readonly now: Clock;
  /** The most sessions of one object. */
  readonly maxRows: number;
}

/** One alarm deletes at most this many rows of each table. If there are more, the next one follows soon. */
const EXPIRED_AT_ONCE = 5_000;

/**
 * The Durable Object that holds the sessions whose hash, and the places of the users whose name belongs to its
 * shard. A method has no wait inside, so that it is one transaction; the platform sends its answer after the
 * disk has the changes.
 */
export function createSessionObject<Env>({
  now,
  maxRows,
}: SessionObjectOptions): ObjectClass<Env, SessionRpc> {
  return class StrataSessions extends DurableObject<Env> implements SessionRpc {
    readonly #tables: SessionTables = createSessionTables({
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

    async read(...args: Parameters<SessionTables["read"]>) {
      return this.#tables.read(...args);
    }

    async peek(...args: Parameters<SessionTables["peek"]>) {
      return this.#tables.peek(...args);
    }

    async lastRevocation(user: string) {
      return this.#tables.lastRevocation(user);
    }

    async list(user: string) {
      return this.#tables.list(user);
    }

    async drop(...args: Parameters<SessionTables["drop"]>) {
      this.#tables.drop(...args);
    }

    async store(...args: Parameters<SessionTables["store"]>) {
      return this.#thenClean(this.#tables.store(...args));
    }

    async remove(...args: Parameters<SessionTables["remove"]>) {
      return this.#thenClean(this.#tables.remove(...args));
    }

    async place(...args: Parameters<SessionTables["place"]>) {
      return this.#thenClean(this.#tables.place(...args));
    }

    async copy(...args: Parameters<SessionTables["copy"]>) {
      return this.#thenClean(this.#tables.copy(...args));
    }

    async endAll(...args: Parameters<SessionTables["endAll"]>) {
      return this.#thenClean(this.#tables.endAll(...args));
    }

    override async alarm(): Promise<void> {
      await this.#cleaning.run();
    }

    async #thenClean<T>(answer: T): Promise<T> {
      await this.#cleaning.later();
      return answer;
    }
  };
}
