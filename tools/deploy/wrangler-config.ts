/** Reads from the configuration of wrangler what the checks need. */
import type { Unstable_Config } from "wrangler";
import type { WorkerBindings } from "./bindings.ts";

export function workerBindings(config: Unstable_Config): WorkerBindings {
  const own = config.durable_objects.bindings.filter(
    ({ script_name: script }) => script === undefined || script === config.name,
  );
  const migrated = new Set<string>();
  for (const migration of config.migrations) {
    for (const name of migration.new_classes ?? []) migrated.add(name);
    for (const name of migration.new_sqlite_classes ?? []) migrated.add(name);
    for (const { from, to } of migration.renamed_classes ?? []) {
      migrated.delete(from);
      migrated.add(to);
    }
    for (const name of migration.deleted_classes ?? []) migrated.delete(name);
  }
  return {
    objects: new Map(own.map(({ name, class_name: className }) => [name, className])),
    migrated,
    others: new Set([
      ...(config.queues.producers ?? []).map(({ binding }) => binding),
      ...(config.assets?.binding === undefined ? [] : [config.assets.binding]),
    ]),
    hasCron: (config.triggers.crons ?? []).length > 0,
  };
}

/** Returns the names of all queues that the Worker sends to or consumes, each once. */
export function queueNames(config: Unstable_Config): readonly string[] {
  const { producers = [], consumers = [] } = config.queues;
  const names = [
    ...producers.map(({ queue }) => queue),
    ...consumers.flatMap(({ queue, dead_letter_queue: deadLetters }) => [queue, deadLetters]),
  ];
  return [...new Set(names.filter((name) => name !== undefined))];
}
