/** Measures over HTTP how long after its acknowledgement an invalidation is not yet visible. */
import { setTimeout as pause } from "node:timers/promises";
import { request } from "./requests.ts";

export interface Watch {
  /** The URLs of the instances. Each is read, and each writes in turn. */
  readonly instances: readonly string[];
  readonly products: readonly number[];
  readonly writesPerProduct: number;
  readonly readEveryMs: number;
  readonly adminToken: string;
  readonly random: () => number;
}

export interface Visibility {
  /** For each write, the time from its acknowledgement to the start of the last read that showed an older value. */
  readonly delays: readonly number[];
  readonly reads: number;
  /** Reads that were answered while the log could not be asked. */
  readonly unreachable: number;
  /** Writes that were repeated because their invalidation was deferred. */
  readonly deferred: number;
}

interface Read {
  readonly startedAt: number;
  readonly etag: string;
}

const DEADLINE_MS = 10_000;
/** Writes begin at random instants of this span, so that they meet every age of a log view. */
const PAUSE_MS = 1_000;

export async function watchWrites(watch: Watch): Promise<Visibility> {
  const perProduct = await Promise.all(watch.products.map((id) => watchProduct(watch, id)));
  const sum = (of: (one: Visibility) => number): number =>
    perProduct.reduce((total, one) => total + of(one), 0);
  return {
    delays: perProduct.flatMap(({ delays }) => delays),
    reads: sum(({ reads }) => reads),
    unreachable: sum(({ unreachable }) => unreachable),
    deferred: sum(({ deferred }) => deferred),
  };
}

async function watchProduct(watch: Watch, id: number): Promise<Visibility> {
  const { instances, adminToken, random } = watch;
  const seen: Read[][] = instances.map(() => []);
  let unreachable = 0;
  let deferred = 0;
  let isRunning = true;

  const loops = instances.map(async (url, at) => {
    while (isRunning) {
      const startedAt = performance.now();
      const { headers } = await request(`${url}/products/${id}`);
      if (String(headers["cache-status"]).includes("unreachable")) unreachable++;
      else seen[at]?.push({ startedAt, etag: String(headers["etag"]) });
      await pause(watch.readEveryMs);
    }
  });

  /** Waits until the last read of each instance shows another value than `etag`. Returns that value. */
  async function allShowAnotherThan(etag: string | undefined): Promise<string> {
    const deadline = performance.now() + DEADLINE_MS;
    for (;;) {
      const last = new Set(seen.map((reads) => reads.at(-1)?.etag));
      const [only] = last;
      if (last.size === 1 && only !== undefined && only !== etag) return only;
      if (performance.now() > deadline)
        throw new Error(`product ${id}: ${[...last].join(", ")} after ${DEADLINE_MS} ms`);
      await pause(watch.readEveryMs);
    }
  }

  const writes: { readonly acknowledgedAt: number; readonly old: string }[] = [];
  /** Writes, and returns false if the invalidation was deferred because Redis gave no answer in time. */
  async function isAcknowledged(url: string, stock: number): Promise<boolean> {
    const { headers } = await request(url, {
      method: "PATCH",
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      body: JSON.stringify({ stock }),
    });
    return headers["x-invalidation"] === "done";
  }

  async function write(): Promise<void> {
    let etag = await allShowAnotherThan(undefined);
    for (let n = 0; n < watch.writesPerProduct; n++) {
      await pause(random() * PAUSE_MS);
      const url = `${instances[n % instances.length]}/products/${id}/stock`;
      while (!(await isAcknowledged(url, 1_000 + n))) deferred++;
      writes.push({ acknowledgedAt: performance.now(), old: etag });
      etag = await allShowAnotherThan(etag);
    }
  }

  await Promise.all([write().finally(() => (isRunning = false)), ...loops]);

  const reads = seen.flat();
  const delays = writes.map(({ acknowledgedAt }, n) => {
    // A read that shows the value before any earlier write is late too.
    const older = new Set(writes.slice(0, n + 1).map(({ old }) => old));
    return reads
      .filter(({ etag }) => older.has(etag))
      .reduce((most, { startedAt }) => Math.max(most, startedAt - acknowledgedAt), 0);
  });
  return { delays, reads: reads.length, unreachable, deferred };
}
