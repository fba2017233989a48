/**
 * The warm-up of the reference API: loads the products that are read most and the users who log in most
 * into Redis. The cron trigger runs it, and `POST /admin/warm` with `hottest`.
 */
import {
  CacheUnavailable,
  definePolicy,
  key,
  type Cron,
  type DataReader,
  type Strata,
  type WarmProgress,
} from "../index.ts";
import { productKind, userKind } from "./kinds.ts";

type Warmed = "product" | "user";

/** The number of rows of each kind that are warmed. A round of `cache.warm` has 200 keys and one query. */
const ROWS: Readonly<Record<Warmed, number>> = { product: 1_000, user: 200 };
/** The hottest keys are sought among this many rows of a kind, those that are used most. */
const CANDIDATES = 10_000;

/**
 * The notes that a warm-up has begun and that it is done. They are entries, so that a purge of everything, an empty Redis
 * and a new era of the log end them. A new version of the Worker has notes of its own.
 */
const NOTE = definePolicy({ freshFor: "15m", jitter: 0, tiers: ["redis"], flight: "off" });

type Services = Pick<Strata, "db" | "admin">;

/** Warms the hottest rows of a kind: the most read ones, then the most used ones, then those with the lowest ids. */
export async function* warmHottest(
  name: Warmed,
  { db, admin }: Services,
  cache: DataReader,
): AsyncGenerator<WarmProgress> {
  const kind = name === "product" ? productKind : userKind;
  const candidates = await kind.listMostUsed(db, CANDIDATES);
  const byKey = new Map(candidates.map((id) => [kind.keyOf(id), id]));
  const read = await admin.metrics.hottest([...byKey.keys()]);
  const ids = [...read.map((each) => byKey.get(each) ?? 0), ...candidates];
  // One round at a time, because readers need Redis and the database meanwhile.
  yield* kind.warm([...new Set(ids)].slice(0, ROWS[name]), db, cache, { concurrency: 1 });
}

/**
 * Defines the task of the cron trigger. It runs every 15 minutes, and within a minute after a deployment,
 * a purge of everything or a loss of Redis. The cursor is the kind that is to be warmed.
 *
 * @param version the version of the Worker; "" if it is not known
 */
export function defineWarmUp(cron: Cron, services: Services, version: string): void {
  const name = version === "" ? "any" : version;
  const begunKey = key("warm-up-begun", name);
  const doneKey = key("warm-up", name);

  /** Notes the begin of a warm-up that is due. An interrupted one leaves this note, which a later one goes on with. */
  async function begin(cache: DataReader): Promise<boolean> {
    if (await has(cache, doneKey)) return false;
    await cache.read(begunKey, NOTE, async () => true);
    return true;
  }

  /**
   * Notes that the warm-up is done. The note is made of the one of its begin: if a purge has ended that one, rows that
   * were warmed before the purge are gone, and the next run warms them again.
   */
  async function finish(cache: DataReader): Promise<void> {
    await cache.read(doneKey, NOTE, async (load) => {
      const isValid = await has(load, begunKey);
      if (!isValid) load.noStore();
      return isValid;
    });
  }

  cron.define({
    name: "warm-up",
    // Both steps take about a second if the database answers within 50 ms.
    budget: "10s",
    async run(cursor, { cache, signal }) {
      if (cursor === undefined) return (await begin(cache)) ? "product" : undefined;
      const kind = cursor === "user" ? "user" : "product";
      for await (const { fault } of warmHottest(kind, services, cache)) {
        if (fault !== undefined) throw new CacheUnavailable(fault);
        signal.throwIfAborted();
      }
      if (kind === "product") return "user";
      await finish(cache);
      return undefined;
    },
  });
}

/** Whether there is a valid note under the key. */
async function has(cache: DataReader, noteKey: string): Promise<boolean> {
  const { value } = await cache.read<boolean>(noteKey, NOTE, async (load) => {
    load.noStore();
    return false;
  });
  return value === true;
}
