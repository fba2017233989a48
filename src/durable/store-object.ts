import { DurableObject } from "cloudflare:workers";
import type { NewId } from "../core/random.ts";
import type { Clock, Millis } from "../core/time.ts";
import type { StoreRpc } from "./store-rpc.ts";
import { createStoreTables, type StoreTables } from "./store-tables.ts";
import type { ObjectClass } from "./object-class.ts";
import { createObjectCleaning } from "./object-cleaning.ts";
import { sqlOf } from "./object-sql.ts";

export interface StoreObjectOptions {
  readonly now: Clock;
  readonly newId: NewId;
  /** The most bytes of the entries of one object. */
  readonly maxBytes: number;
}

/** One alarm removes at most this many expired entries. If there are more, the next one follows soon. */
const EXPIRED_AT_ONCE = 1_000;
/** The log keeps its numbers this long, and has at most so many log keys, as `log.keepFor` and `log.maxKeys` of the full layer. */
const KEEP_LOG_MS: Millis = 7 * 86_400_000;
const MAX_LOG_KEYS = 100_000;

/**
 * The Durable Object that holds the entries and the invalidation log of a namespace, or a part of the
 * entries. A method has no wait inside, so that it is one transaction; the platform sends its answer
 * after the disk has the changes.
 */
export function createStoreObject<Env>({
  now,
  newId,
  maxBytes,
}: StoreObjectOptions): ObjectClass<Env, StoreRpc> {
  return class StrataStore extends DurableObject<Env> implements StoreRpc {
    readonly #tables: StoreTables = createStoreTables({
      sql: sqlOf(this.ctx.storage),
      now,
      newId,
      maxBytes,
    });
    readonly #cleaning = createObjectCleaning({
      storage: this.ctx.storage,
      now,
      clean: () => {
        const hasMore = this.#tables.removeExpired(EXPIRED_AT_ONCE);
        this.#tables.trim(KEEP_LOG_MS, MAX_LOG_KEYS);
        return hasMore;
      },
      isEmpty: this.#tables.isEmpty,
    });

    async read(...args: Parameters<StoreTables["read"]>) {
      return this.#tables.read(...args);
    }

    async texts(keys: readonly string[]) {
      return this.#tables.texts(keys);
    }

    async verify(...args: Parameters<StoreTables["verify"]>) {
      return this.#tables.verify(...args);
    }

    async sync(...args: Parameters<StoreTables["sync"]>) {
      return this.#tables.sync(...args);
    }

    async establish(...args: Parameters<StoreTables["establish"]>) {
      return this.#tables.establish(...args);
    }

    async numbers(...args: Parameters<StoreTables["numbers"]>) {
      return this.#tables.numbers(...args);
    }

    async trim(...args: Parameters<StoreTables["trim"]>) {
      return this.#tables.trim(...args);
    }

    async remove(keys: readonly string[]) {
      this.#tables.remove(keys);
    }

    async erase(...args: Parameters<StoreTables["erase"]>) {
      return this.#tables.erase(...args);
    }

    async write(...args: Parameters<StoreTables["write"]>) {
      this.#tables.write(...args);
      await this.#cleaning.later();
    }

    async invalidate(...args: Parameters<StoreTables["invalidate"]>) {
      const invalidation = this.#tables.invalidate(...args);
      await this.#cleaning.later();
      return invalidation;
    }

    async ping() {}

    override async alarm(): Promise<void> {
      await this.#cleaning.run();
    }
  };
}
