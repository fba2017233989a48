import type { Finding } from "./finding.ts";

/** The bindings of wrangler.toml. */
export interface WorkerBindings {
  /** The classes of Durable Objects of this Worker, by the name of their binding. */
  readonly objects: ReadonlyMap<string, string>;
  /** The classes that a migration creates. */
  readonly migrated: ReadonlySet<string>;
  /** The names of the bindings of queues and of static files. */
  readonly others: ReadonlySet<string>;
  readonly hasCron: boolean;
}

/** The bindings of Durable Objects, with what the Worker lacks without them. */
const OBJECTS: readonly (readonly [name: string, className: string, without: string])[] = [
  ["METRICS", "MetricsShard", "/metrics and the dashboard are off"],
  ["OUTBOX", "OutboxAlarm", "second invalidations wait for the cron trigger"],
  ["LOGS", "RegionLog", "each isolate asks Redis for the changes of the log"],
  ["SLOTS", "SlotGrants", "origin.totalSlots has no effect"],
];
const OTHERS: readonly (readonly [name: string, section: string, without: string])[] = [
  ["QUEUE", "queues.producers", "routes that send messages answer 503"],
  ["DEAD_LETTERS", "queues.producers", "messages that fail are not kept"],
  ["ASSETS", "assets", "the dashboard is off"],
];

const objectLines = (name: string, className: string): string =>
  `add to wrangler.toml: [[durable_objects.bindings]] name = "${name}" class_name = "${className}"`;

/** Checks the bindings. A missing one is a problem only if no request could be served without it. */
export function bindingFindings({ objects, migrated, others, hasCron }: WorkerBindings) {
  const problems: Finding[] = [];
  const warnings: Finding[] = [];
  if (!objects.has("FLIGHTS"))
    problems.push({
      text: "wrangler.toml has no binding FLIGHTS: no request can be served",
      mend: objectLines("FLIGHTS", "FlightShard"),
    });
  for (const [name, className, without] of OBJECTS)
    if (!objects.has(name))
      warnings.push({
        text: `wrangler.toml has no binding ${name}: ${without}`,
        mend: objectLines(name, className),
      });
  for (const [name, section, without] of OTHERS)
    if (!others.has(name))
      warnings.push({
        text: `wrangler.toml has no binding ${name}: ${without}`,
        mend: `add to wrangler.toml: [[${section}]] binding = "${name}"`,
      });
  for (const className of new Set(objects.values()))
    if (!migrated.has(className))
      problems.push({
        text: `no migration of wrangler.toml creates the class ${className}`,
        mend: `add to wrangler.toml: [[migrations]] tag = "<next>" new_sqlite_classes = ["${className}"]`,
      });
  if (!hasCron)
    warnings.push({
      text: "wrangler.toml has no cron trigger: deferred invalidations wait, and the log is never trimmed",
      mend: 'add to wrangler.toml: [triggers] crons = ["* * * * *"]',
    });
  return { problems, warnings };
}
