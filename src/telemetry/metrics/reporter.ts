import type { MetricsPort, MetricsReport } from "../../core/metrics.ts";
import type { Clock, EpochMs } from "../../core/time.ts";
import type { Meter } from "./meter.ts";
import { seriesOf } from "./meter.ts";
import type { NamedRecord } from "../traces/request-record.ts";
import type { TopKeys } from "./top-keys.ts";
import { traceSummary } from "../traces/trace-summary.ts";

export interface ReporterOptions {
  readonly port: MetricsPort;
  readonly meter: Meter;
  readonly hot: TopKeys;
  readonly missed: TopKeys;
  readonly nameKey: (key: string) => string;
  readonly isolate: string;
  readonly now: Clock;
  readonly memory: () => {
    readonly entries: number;
    readonly bytes: number;
    readonly evictions: number;
  };
}

export interface Reporter {
  /** Sends what was counted since the last report. Never rejects. */
  run(): Promise<void>;
  readonly empty: boolean;
  /** A finished request, for the waterfall; the latest few are sent. */
  show(record: NamedRecord): void;
}

/** After so long a report that has not been answered is sent again: its request is gone. */
const ANSWER_MS = 10_000;
const MAX_TRACES = 10;
const KEYS_SENT = 30;

/** Sends reports one after the other; one that may have been lost is sent again as it was. */
export function createReporter(options: ReporterOptions): Reporter {
  const { port, meter, hot, missed, nameKey, isolate, now, memory } = options;
  let sequence = 0;
  let unanswered: MetricsReport | undefined;
  let sentAt: EpochMs = Number.NEGATIVE_INFINITY;
  let sending = false;
  let evictions = 0;
  let shown: NamedRecord[] = [];

  const named = (keys: TopKeys) =>
    keys.list(KEYS_SENT).map(([key, count, over]) => [nameKey(key), count, over] as const);

  function next(): MetricsReport {
    const stats = memory();
    if (stats.evictions > evictions)
      meter.add("cache.memory.evictions", stats.evictions - evictions);
    evictions = stats.evictions;
    meter.add("cache.durable_object.calls", 1, "report");
    const report: MetricsReport = {
      isolate,
      sequence: ++sequence,
      delta: meter.take(),
      gauges: [
        [seriesOf("cache.memory.usage", []), stats.bytes],
        [seriesOf("cache.memory.entries", []), stats.entries],
      ],
      hot: named(hot),
      missed: named(missed),
      traces: shown.map(traceSummary),
    };
    hot.clear();
    missed.clear();
    shown = [];
    return report;
  }

  return {
    async run() {
      if (sending && now() - sentAt < ANSWER_MS) return;
      unanswered ??= next();
      const report = unanswered;
      sending = true;
      sentAt = now();
      try {
        await port.report(report);
        if (unanswered === report) unanswered = undefined;
      } catch {
        // Sent again with the next run, under the same number: it may have been counted.
      } finally {
        sending = false;
      }
    },

    get empty() {
      return meter.empty && unanswered === undefined;
    },

    show(record) {
      shown.push(record);
      if (shown.length > MAX_TRACES) shown.shift();
    },
  };
}
