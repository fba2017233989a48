import { DurableObject } from "cloudflare:workers";
import type { MetricsReport, MetricsSnapshot, MetricsTotals } from "../core/metrics.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";

/** What the Durable Object answers to. */
export interface MetricsShardRpc {
  report(report: MetricsReport): Promise<void>;
  snapshot(): Promise<MetricsSnapshot>;
}

/** Where totals are pushed; undefined if nobody asked for that. */
export interface MetricsPush {
  readonly everyMs: Millis;
  /** Never rejects. */
  push(snapshot: MetricsSnapshot, instance: string, now: EpochMs): Promise<void>;
}

export interface MetricsShardOptions<Env> {
  readonly now: Clock;
  /** Totals from what `freeze` gave, or from nothing. */
  readonly createTotals: (frozen: string | undefined, now: EpochMs) => MetricsTotals;
  readonly createPush: (env: Env) => MetricsPush | undefined;
  /** How long reports wait for each other, to be written down together. */
  readonly commitMs: Millis;
}

/** A row holds 2 MB; characters may take three bytes. */
const MAX_ROW_CHARS = 500_000;

/**
 * The Durable Object that keeps one shard of the metrics: the single writer of its
 * totals, which outlive it. A report is acknowledged when it is on disk.
 */
export function createMetricsShard<Env>(options: MetricsShardOptions<Env>) {
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
      this.#totals = createTotals(frozen, now());
      this.#push = createPush(env);
    }

    async report(report: MetricsReport): Promise<void> {
      // Also if it was counted before: its first write may not have reached the disk.
      this.#totals.apply(report, now());
      await this.#written();
    }

    snapshot(): Promise<MetricsSnapshot> {
      return Promise.resolve(this.#totals.snapshot(now()));
    }

    override async alarm(): Promise<void> {
      const instance = this.ctx.id.name ?? this.ctx.id.toString();
      await this.#push?.push(this.#totals.snapshot(now()), instance, now());
    }

    #written(): Promise<void> {
      this.#commit ??= new Promise((resolve, reject) => {
        setTimeout(() => {
          this.#commit = undefined;
          try {
            this.#write();
            resolve(this.#schedule());
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
      });
    }

    /** Only what has changed is pushed: the alarm is set by reports, not by itself. */
    async #schedule(): Promise<void> {
      if (this.#push === undefined || (await this.ctx.storage.getAlarm()) !== null) return;
      await this.ctx.storage.setAlarm(now() + this.#push.everyMs);
    }
  };
}
