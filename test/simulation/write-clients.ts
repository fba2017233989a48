/** The clients of a simulated cluster that write: through the writer, its outbox and write-behind. */
import { CacheUnavailable, done, failed } from "../../src/core/faults.ts";
import { logKeysOfPurge, type LogKey, type PurgeTargets } from "../../src/core/invalidation-key.ts";
import { createWriteBehind, type ChangeQueue } from "../../src/writes/behind.ts";
import type { Through } from "../../src/writes/through.ts";
import { WriteUnconfirmed } from "../../src/writes/unconfirmed.ts";
import type { Cluster, Isolate } from "./cluster.ts";
import type { History } from "./history.ts";
import { statementOf } from "./outbox-model.ts";
import type { VirtualTime } from "./virtual-time.ts";

/**
 * How a write makes older values unusable. A mutation invalidates a tag that only the load adds:
 * `tag`, with a second invalidation (`lag`), with the written value as the entry (`through`), or by an
 * isolate that ends between its commit and its invalidation (`crash`). The others commit and then purge
 * the key, its prefix or the namespace; `soft` makes entries stale. `behind` queues the change.
 */
export const WRITES = [
  "tag",
  "lag",
  "through",
  "crash",
  "key",
  "prefix",
  "namespace",
  "soft",
  "behind",
] as const;
export type Write = (typeof WRITES)[number];

/** The longest time until the queue of write-behind delivers a change. */
const DELIVERY_MS = 3_000;

export interface WriteClients {
  write(isolate: Isolate, key: string, by: Write): Promise<void>;
  /** Purges a tag that no entry has, in one of the isolates. */
  purgeTag(isolates: readonly Isolate[], tag: string): Promise<unknown>;
  /** Purges the namespace once. The purge may fail for good. */
  purgeInVain(isolate: Isolate): Promise<void>;
}

export interface WriteClientsOptions {
  readonly cluster: Cluster;
  readonly time: VirtualTime;
  readonly history: History;
  /** Returns the entry that a load of this value would make. */
  readonly entryOf: (key: string, value: number) => Through;
  readonly tagOf: (key: string) => string;
}

export function createWriteClients(options: WriteClientsOptions): WriteClients {
  const { cluster, time, history, entryOf, tagOf } = options;
  const { rows } = cluster;
  const versions = new Map<string, number>();

  function nextVersion(key: string): number {
    const version = (versions.get(key) ?? 0) + 1;
    versions.set(key, version);
    return version;
  }

  function commit(key: string, logKeys: readonly LogKey[]): number {
    const version = nextVersion(key);
    rows.set(key, version);
    history.committed(key, version, time.now(), logKeys);
    return version;
  }

  /** Returns the entry that a write stores with the number of its own invalidation. */
  function put(isolate: Isolate, key: string, version: number): Through {
    cluster.puts.set(isolate.name, { key, version });
    return entryOf(key, version);
  }

  async function mutate(isolate: Isolate, key: string, by: Write): Promise<void> {
    const { ctx } = isolate.request();
    const tag = tagOf(key);
    const statement = statementOf(() => {
      const version = commit(key, [`t:${tag}`]);
      if (by === "crash") cluster.replace(cluster.isolates.indexOf(isolate));
      return [version];
    });
    try {
      await isolate.writer.mutate(
        {
          statements: [statement],
          tags: [tag],
          ...(by === "lag" && { originLag: 1_000 }),
          ...(by === "through" && { through: (version: number) => put(isolate, key, version) }),
        },
        ctx,
      );
    } catch (error) {
      // The database refused the change, or gave no answer. Then the change may have been made.
      if (!(error instanceof WriteUnconfirmed || isRefusal(error))) throw error;
    }
  }

  /** Commits, and purges until the log or the outbox has accepted the purge. */
  async function commitAndPurge(
    isolate: Isolate,
    key: string,
    targets: PurgeTargets,
  ): Promise<void> {
    await time.sleep(time.random() * 30);
    commit(key, logKeysOfPurge(targets));
    for (;;) {
      try {
        await isolate.writer.purge(targets, isolate.request().ctx);
        return;
      } catch (error) {
        if (!(error instanceof CacheUnavailable)) throw error;
        await time.sleep(500);
      }
    }
  }

  /** Keeps the changes of write-behind, and delivers each of them later. */
  function queueOf(key: string, version: number): ChangeQueue {
    return {
      async send() {
        await time.sleep(time.random() * 30);
        if (time.random() < 0.05) return failed("origin.rejected", "the queue is full");
        // From now on a read may return the change. The database has it later.
        history.offered(key, version, time.now());
        time.after(time.random() * DELIVERY_MS, () => void deliver(key, version));
        await time.sleep(time.random() * 30);
        return done(undefined);
      },
    };
  }

  /** Applies a change of the queue to the database, and invalidates until that is acknowledged. */
  async function deliver(key: string, version: number): Promise<void> {
    if ((rows.get(key) ?? 0) >= version) return;
    rows.set(key, version);
    const logKeys = [`k:${key}`] as const;
    history.committed(key, version, time.now(), logKeys);
    const index = Math.floor(time.random() * cluster.isolates.length);
    for (;;) {
      const isolate = cluster.isolates[index];
      const answer = await isolate?.invalidator.invalidate(logKeys, isolate.request().ctx);
      if (answer?.ok === true) return;
      await time.sleep(500);
    }
  }

  async function writeBehind(isolate: Isolate, key: string): Promise<void> {
    const version = nextVersion(key);
    const { invalidator, through } = isolate;
    const write = createWriteBehind({ queue: queueOf(key, version), invalidator, through });
    const change = { id: `${key}-${version}`, kind: "item", payload: version };
    await write(change, put(isolate, key, version), isolate.request().ctx);
  }

  return {
    purgeTag: async ([isolate], tag) =>
      isolate?.writer.purge({ tags: [tag] }, isolate.request().ctx),

    async purgeInVain(isolate) {
      try {
        await isolate.writer.purge({ everything: true }, isolate.request().ctx);
      } catch (error) {
        if (!(error instanceof CacheUnavailable)) throw error;
      }
    },

    async write(isolate, key, by) {
      switch (by) {
        case "tag":
        case "lag":
        case "through":
        case "crash":
          return mutate(isolate, key, by);
        case "key":
          return commitAndPurge(isolate, key, { keys: [key] });
        case "prefix": {
          const prefixes = [key.slice(0, key.indexOf(":") + 1)];
          return commitAndPurge(isolate, key, { prefixes });
        }
        case "namespace":
          return commitAndPurge(isolate, key, { everything: true });
        case "soft":
          return commitAndPurge(isolate, key, { keys: [key], soft: true });
        case "behind":
          return writeBehind(isolate, key);
      }
    },
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && "fault" in error;
}
