import { DurableObject } from "cloudflare:workers";
import type {
  HistoryStep,
  MetricsReport,
  MetricsSnapshot,
  MetricsTotals,
} from "../core/metrics.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";
import type { ObjectClass } from "./object-class.ts";
import type { TrafficSketch } from "../core/traffic.ts";

/** The methods that isolates call. */
export interface MetricsShardRpc {
  report(report: MetricsReport): Promise<void>;
  snapshot(): Promise<MetricsSnapshot>;
  /** Returns the steps of the last hour. */
  history(): Promise<readonly HistoryStep[]>;
  /** Returns the newest sketches of traffic. They are lost if the object restarts. */
  sketches(): Promise<readonly TrafficSketch[]>;
}

/** Sends totals to an OpenTelemetry collector. */
export interface MetricsPush {
  readonly everyMs: Millis;
  /** Sends a snapshot. Never rejects. */
  push(snapshot: MetricsSnapshot, instance: string, now: EpochMs): Promise<void>;
}

export interface MetricsShardOptions<Env> {
  readonly now: Clock;
  /** Restores totals from the text that `freeze` returned and from ended steps, or creates empty totals. */
  readonly createTotals: (
    frozen: string | undefined,
    now: EpochMs,
    steps: readonly HistoryStep[],
  ) => MetricsTotals;
  /** Creates the sender of totals. Returns undefined if the configuration names no collector. */
  readonly createPush: (env: Env) => MetricsPush | undefined;
  /** The time that a write to disk waits for more reports, so that one write stores several reports. */
  readonly commitMs: Millis;
}

/**
 * The maximum number of characters in one row. A row of SQLite in a Durable Object has at most 2
 * MB, and a character takes at most 3 bytes.
 */
const MAX_ROW_CHARS = 500_000;

/** Ended steps of the history are deleted from disk after this time. */
const HISTORY_MS: Millis = 3_600_000;

/**
 * The Durable Object that keeps the totals of one shard of the metrics on disk. No other object
 * writes these totals. A report is acknowledged once it is on disk.
 */
export function createMetricsShard<Env>(
  options: MetricsShardOptions<Env>,
): ObjectClass<Env, MetricsShardRpc> {
  const { now, createTotals, createPush, commitMs } = options;

  return class MetricsShard extends DurableObject<Env> implements MetricsShardRpc {
    readonly #totals: MetricsTotals;
    readonly #push: MetricsPush | undefined;
    #commit: Promise<void> | undefined;

    constructor(state: DurableObjectState, env: Env) {
      super(state, env);
      this.ctx.storage.sql.exec(
        "CREATE TABLE IF NOT EXISTS totals (part INTEGER PRIMARY KEY, text TEXT NOT NULL)",
      );
      const parts = this.ctx.storage.sql
        .exec<{ text: string }>("SELECT text FROM totals ORDER BY part")
        .toArray();
      const frozen = parts.length === 0 ? undefined : parts.map(({ text }) => text).join("");
      this.ctx.storage.sql.exec(
        "CREATE TABLE IF NOT EXISTS history (at INTEGER PRIMARY KEY, text TEXT NOT NULL)",
      );
      const steps = this.ctx.storage.sql
        .exec<{ text: string }>("SELECT text FROM history ORDER BY at")
        .toArray()
        .map(({ text }) => JSON.parse(text) as HistoryStep);
      this.#totals = createTotals(frozen, now(), steps);
      this.#push = createPush(env);
    }

    async report(report: MetricsReport): Promise<void> {
      // A repeated report is written again, because its first write may not have reached the disk.
      this.#totals.apply(report, now());
      await this.#commitSoon();
    }

    snapshot(): Promise<MetricsSnapshot> {
      return Promise.resolve(this.#totals.snapshot(now()));
    }

    history(): Promise<readonly HistoryStep[]> {
      return Promise.resolve(this.#totals.history(now()));
    }

    sketches(): Promise<readonly TrafficSketch[]> {
      return Promise.resolve(this.#totals.sketches(now()));
    }

    override async alarm(): Promise<void> {
      const instance = this.ctx.id.name ?? this.ctx.id.toString();
      await this.#push?.push(this.#totals.snapshot(now()), instance, now());
    }

    #commitSoon(): Promise<void> {
      this.#commit ??= new Promise((resolve, reject) => {
        setTimeout(() => {
          this.#commit = undefined;
          try {
            this.#write();
            resolve(this.#schedulePush());
          } catch (error) {
            reject(error);
          }
        }, commitMs);
      });
      return this.#commit;
    }

    #write(): void {
      const text = this.#totals.freeze();
      this.ctx.storage.transactionSync(() => {
        this.ctx.storage.sql.exec("DELETE FROM totals");
        for (let part = 0; part * MAX_ROW_CHARS < text.length; part++)
          this.ctx.storage.sql.exec(
            "INSERT INTO totals (part, text) VALUES (?, ?)",
            part,
            text.slice(part * MAX_ROW_CHARS, (part + 1) * MAX_ROW_CHARS),
          );
        this.#writeSteps();
      });
    }

    /**
     * Writes the steps that have ended, and deletes the old ones: two rows in each step. The step that
     * has not ended is a part of the totals' text, so that it costs no row of its own.
     */
    #writeSteps(): void {
      const ended = this.#totals.takeEnded();
      if (ended.length === 0) return;
      const { sql } = this.ctx.storage;
      for (const step of ended)
        sql.exec(
          "INSERT OR REPLACE INTO history (at, text) VALUES (?, ?)",
          step.at,
          JSON.stringify(step),
        );
      sql.exec("DELETE FROM history WHERE at <= ?", now() - HISTORY_MS);
    }

    /** Sets the alarm for the next push, if none is set. Without reports there is no push. */
    async #schedulePush(): Promise<void> {
      if (this.#push === undefined || (await this.ctx.storage.getAlarm()) !== null) return;
      await this.ctx.storage.setAlarm(now() + this.#push.everyMs);
    }
  };
}
