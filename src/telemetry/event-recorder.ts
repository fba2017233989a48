import type { CacheEvent, EventOf, LookupStatus } from "../core/events.ts";
import type { LevelChange } from "../core/metrics.ts";
import type { Clock } from "../core/time.ts";
import type { NotedEvent } from "./key-notes.ts";
import type { Meter, TopKeys } from "./metrics/meter.ts";
import type { KeyMark, TrafficRecorder } from "./traffic/recorder.ts";
import { addEvent, type RequestRecord, type StepRecord } from "./traces/request-record.ts";

export interface EventRecorderOptions {
  readonly meter: Meter;
  readonly now: Clock;
  readonly hot: TopKeys<KeyMark>;
  readonly missed: TopKeys;
  readonly traffic: TrafficRecorder;
  /** Returns the text that telemetry shows for a key: the key itself or its hash. */
  readonly formatKey: (key: string) => string;
  readonly addStep: (record: RequestRecord, step: StepRecord) => void;
  /** Notes what happens to a key that no tier answers. It is not called for a hit. */
  readonly note: (event: NotedEvent) => void;
  readonly onLevelChange: (change: LevelChange) => void;
  /** Notes how many rows of the outbox the relay has left without a number. */
  readonly onRelay: (deferred: number) => void;
  readonly tokenPrices: TokenPrices;
}

/** The prices of a million tokens that a model reads and writes, in US dollars. 0 if they are not known. */
export interface TokenPrices {
  readonly input: number;
  readonly output: number;
}

const TOKENS_PER_PRICE = 1_000_000;

const WAITED_FOR_LOAD: ReadonlySet<LookupStatus> = new Set([
  "miss",
  "joined",
  "bypass",
  "stale-on-error",
]);

/** The reasons of `entry.reject` that the log gives. */
const INVALIDATED: ReadonlySet<EventOf<"entry.reject">["reason"]> = new Set([
  "invalidated",
  "era",
  "floor",
]);

/** Counts an event of the cache, and adds it to the record of its request if there is one. */
export type EventRecorder = (event: CacheEvent, record: RequestRecord | undefined) => void;

/** Returns the value of a label for a boolean. "false" is written as an empty value, which leaves the label out. */
const flag = (value: boolean): string => (value ? "true" : "");

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { meter, now, hot, missed, formatKey, addStep, note, onLevelChange, onRelay } = options;
  const { tokenPrices, traffic } = options;

  /**
   * Adds a read to the sketch of traffic. For a hit of a key outside the sample this is one count. A
   * read of memory waits until many are recorded together, because it is on the path of a hit.
   */
  function sketchRead(mark: KeyMark, status: LookupStatus): void {
    const { kind } = mark;
    kind.reads++;
    // The event does not name the tier of a stale answer. It is memory for all keys that are read often.
    if (status !== "hit-memory" && status !== "stale") kind.memoryMisses++;
    const loaded = status !== "hit-memory" && WAITED_FOR_LOAD.has(status);
    if (loaded) kind.misses++;
    if (!mark.sampled) return;
    const { reads, memoryMisses, misses } = kind;
    traffic.waiting.push({ mark, at: now(), reads, memoryMisses, misses, loaded });
    if (status !== "hit-memory" || traffic.waiting.length >= traffic.maxWaiting) traffic.record();
  }

  function onLookup(event: EventOf<"lookup.end">, record: RequestRecord | undefined): void {
    const { key, status, negative, unreachable, searched = false } = event;
    meter.add("cache.lookups", 1, status, flag(negative), flag(unreachable));
    // The sketch and the notes of a key are about its loads, and a search has none.
    if (searched) return;
    const mark = hot.add(key);
    // A refresh in the background is a lookup for which no reader waits.
    if (record?.background !== true) sketchRead(mark, status);
    if (status === "stale") meter.add("cache.stale", 1, "stale-while-revalidate");
    if (status === "stale-on-error") {
      meter.add("cache.stale", 1, "stale-if-error");
      note(event);
    }
    if (status === "joined") meter.add("cache.joins", 1);
    if (status === "miss" || status === "joined" || status === "bypass") {
      missed.add(key);
      note(event);
    } else if (negative) meter.add("cache.negative.hits", 1, status);
    if (record === undefined) return;
    record.key = key;
    record.cache = status;
    record.negative = negative;
    record.unreachable ||= unreachable;
    if (status === "stale" || status === "stale-on-error")
      addEvent(record, { name: "cache.stale", at: now(), detail: status });
  }

  function onStep(event: EventOf<"step.end">, record: RequestRecord | undefined): void {
    const { step, startedAt, ms, outcome } = event;
    meter.record("cache.step.duration", ms / 1000, step, outcome);
    // Only the steps `edge` and `origin` are recorded here. Redis, SQL and flights have events of
    // their own, with more detail.
    if (record === undefined || (step !== "edge" && step !== "origin")) return;
    addStep(record, {
      kind: step,
      name: `cache.${step}`,
      endedAt: startedAt + ms,
      ms,
      outcome,
      spanId: "",
      amount: 0,
    });
  }

  function onRedis(event: EventOf<"redis.end">, record: RequestRecord | undefined): void {
    const { operation, command, commands, requests = 1, startedAt, ms, outcome } = event;
    const error = outcome === "ok" ? "" : outcome;
    meter.record("db.client.operation.duration", ms / 1000, "redis", command, error);
    meter.add("cache.redis.commands", commands, command);
    if (record === undefined) return;
    record.redisRequests += requests;
    record.redisCommands += commands;
    addStep(record, {
      kind: "redis",
      name: `${command} ${operation}`,
      endedAt: startedAt + ms,
      ms,
      outcome,
      spanId: "",
      amount: commands,
    });
  }

  function onDurable(event: EventOf<"durable.end">, record: RequestRecord | undefined): void {
    const { method, startedAt, ms, outcome, spanId } = event;
    meter.add("cache.durable_object.calls", 1, method, outcome.includes(".") ? outcome : "");
    if (record === undefined) return;
    record.durableCalls += 1;
    addStep(record, {
      kind: "flight",
      name: method,
      endedAt: startedAt + ms,
      ms,
      outcome,
      spanId,
      amount: 0,
    });
  }

  function onSend(event: EventOf<"message.send">, record: RequestRecord | undefined): void {
    const { kind, count, startedAt, ms, outcome, spanId } = event;
    meter.add("cache.queue.sent", count, kind, outcome === "ok" ? "" : outcome);
    if (record === undefined) return;
    const endedAt = startedAt + ms;
    addStep(record, {
      kind: "queue",
      name: `send ${kind}`,
      endedAt,
      ms,
      outcome,
      spanId,
      amount: count,
    });
  }

  function onAnswer(event: EventOf<"answer.end">): void {
    const { source, outcome, inputTokens, outputTokens } = event;
    meter.add("cache.answers", 1, source, outcome);
    const use = source === "call" ? "spent" : "saved";
    for (const [kind, tokens] of [
      ["input", inputTokens],
      ["output", outputTokens],
    ] as const) {
      if (tokens === 0) continue;
      meter.add("cache.answer.tokens", tokens, use, kind);
      const dollars = (tokens * tokenPrices[kind]) / TOKENS_PER_PRICE;
      if (dollars > 0) meter.add("cache.answer.cost", dollars, use, kind);
    }
  }

  return (event, record) => {
    switch (event.type) {
      case "lookup.end":
        return onLookup(event, record);
      case "step.end":
        return onStep(event, record);
      case "redis.end":
        return onRedis(event, record);
      case "session.end":
        return meter.add("cache.sessions", 1, event.operation, event.outcome);
      case "durable.end":
        return onDurable(event, record);
      case "load.end":
        note(event);
        meter.add("cache.origin.loads", 1, event.outcome);
        meter.record("cache.origin.load.duration", event.ms / 1000, event.outcome);
        if (event.bytes !== undefined) meter.record("cache.entry.size", event.bytes);
        return undefined;
      case "fault.raise": {
        const { code } = event.fault;
        const [dependency = ""] = code.split(".");
        meter.add("cache.faults", 1, dependency, code);
        if (record !== undefined)
          addEvent(record, { name: "cache.fault", at: now(), detail: code });
        return undefined;
      }
      case "entry.reject": {
        const { tier, reason, key } = event;
        note(event);
        if (INVALIDATED.has(reason)) traffic.invalidated(key);
        meter.add("cache.rejections", 1, tier, reason);
        if (record === undefined) return undefined;
        const detail = `${tier} ${reason} ${formatKey(key)}`;
        return addEvent(record, { name: "cache.reject", at: now(), detail });
      }
      case "store.skip":
        return note(event);
      // For `onEvent` alone.
      case "ledger.evict":
        return undefined;
      case "refresh.start":
        meter.add("cache.refreshes", 1);
        if (record !== undefined)
          addEvent(record, { name: "cache.refresh", at: now(), detail: "" });
        return undefined;
      case "slot.refuse":
        return meter.add("cache.origin.refusals", 1, event.priority, event.reason);
      case "route.unkeyed":
        meter.add("cache.unkeyed.reads", 1, event.part, event.outcome);
        if (record !== undefined)
          addEvent(record, {
            name: "cache.unkeyed",
            at: now(),
            detail: `${event.part} ${event.name} ${event.outcome}`,
          });
        return undefined;
      case "breaker.change":
        meter.add("cache.breaker.changes", 1, event.name, event.to);
        if (record !== undefined)
          addEvent(record, {
            name: "cache.breaker",
            at: now(),
            detail: `${event.name} ${event.from} ${event.to}`,
          });
        return undefined;
      case "log.apply":
        meter.add("cache.log.answers", 1, event.outcome);
        if (event.lagMs !== undefined)
          meter.record("cache.purge.lag", Math.max(0, event.lagMs) / 1000);
        return undefined;
      case "log.sync":
        meter.add("cache.log.syncs", 1, event.from);
        return undefined;
      case "level.change": {
        const { from, to, cause } = event;
        meter.add("cache.level.changes", 1, to);
        onLevelChange(event);
        if (record !== undefined)
          addEvent(record, {
            name: "cache.level",
            at: event.at,
            detail: `${from} to ${to}: ${cause}`,
          });
        return undefined;
      }
      case "feature.degrade":
        meter.add("cache.degraded.answers", 1, event.feature, event.level);
        return undefined;
      case "admin.action":
        if (record !== undefined) {
          const { actor = "", targets = [] } = record.audit ?? {};
          record.audit = { actor: event.actor ?? actor, targets: event.targets ?? targets };
        }
        return undefined;
      case "message.send":
        return onSend(event, record);
      case "message.end":
        return meter.add("cache.queue.messages", event.count, event.kind, event.outcome);
      case "task.end":
        return meter.record("cache.cron.duration", event.ms / 1000, event.task, event.outcome);
      case "invalidation.end":
        meter.add("cache.purges", 1, event.outcome);
        meter.add("cache.purge.keys", event.logKeys);
        return undefined;
      case "live.deliver":
        return meter.add("cache.live.deliveries", event.events, event.outcome);
      case "live.listen":
        return meter.add("cache.live.connections", 1, event.transport, event.outcome);
      case "answer.end":
        return onAnswer(event);
      case "relay.end":
        onRelay(event.deferred);
        return undefined;
    }
  };
}
