import { describe, expect, it } from "vitest";
import type { CacheEvent } from "../../src/core/events.ts";
import { createEventRecorder } from "../../src/telemetry/event-recorder.ts";
import { createMeter, createTopKeys } from "../../src/telemetry/metrics/meter.ts";
import { createTrafficRecorder } from "../../src/telemetry/traffic/recorder.ts";
import {
  createRecord,
  type RequestRecord,
  type StepRecord,
} from "../../src/telemetry/traces/request-record.ts";

const STARTED_AT = 1_000;
const MS = 20;
const RECORDED_AT = 5_000;

const timed = { startedAt: STARTED_AT, ms: MS, outcome: "ok" };
const EVENTS: readonly CacheEvent[] = [
  { type: "step.end", step: "origin", ...timed },
  { type: "redis.end", operation: "read", command: "EVALSHA_RO", commands: 4, ...timed },
  { type: "durable.end", method: "FlightShard/join", spanId: "", ...timed },
];

function requestRecord(): RequestRecord {
  return createRecord({
    span: undefined,
    sampled: true,
    parent: undefined,
    link: undefined,
    background: false,
    startedAt: STARTED_AT,
    method: "GET",
    url: "https://shop.test/",
    request: undefined,
    baggage: "",
  });
}

function createRecorder(
  addStep: (record: RequestRecord, step: StepRecord) => void,
  meter = createMeter(),
) {
  const traffic = createTrafficRecorder({ isolate: "a", peek: () => undefined });
  return createEventRecorder({
    meter,
    traffic,
    now: () => RECORDED_AT,
    hot: createTopKeys(1, traffic.markOf),
    missed: createTopKeys(1),
    formatKey: (key) => key,
    addStep,
    note: () => undefined,
    onRelay: () => undefined,
    tokenPrices: { input: 1, output: 2 },
    onLevelChange: () => undefined,
  });
}

describe("the event recorder", () => {
  it("a change of a breaker is counted by dependency and new state, and added to the record of its request", () => {
    const meter = createMeter();
    const record = requestRecord();
    const rates = { failureRate: 1, slowRate: 0 };
    createRecorder(() => undefined, meter)(
      { type: "breaker.change", name: "sql", from: "closed", to: "open", ...rates },
      record,
    );
    expect(meter.take()).toEqual([["cache.breaker.changes\0sql\0open", 1]]);
    expect(record.events).toMatchObject([{ name: "cache.breaker", detail: "sql closed open" }]);
  });

  it("the tokens of an answer without a call are counted as saved, with what they cost, and those of a call as spent", () => {
    const meter = createMeter();
    const record = createRecorder(() => undefined, meter);
    const tokens = { inputTokens: 3_000_000, outputTokens: 500_000 };
    record({ type: "answer.end", source: "hit", outcome: "whole", ...tokens }, undefined);
    record({ type: "answer.end", source: "call", outcome: "whole", ...tokens }, undefined);
    record(
      { type: "answer.end", source: "joined", outcome: "cut", inputTokens: 0, outputTokens: 0 },
      undefined,
    );
    expect(new Map(meter.take() as [string, number][])).toEqual(
      new Map([
        ["cache.answers\0hit\0whole", 1],
        ["cache.answers\0call\0whole", 1],
        ["cache.answers\0joined\0cut", 1],
        ["cache.answer.tokens\0saved\0input", 3_000_000],
        ["cache.answer.tokens\0saved\0output", 500_000],
        ["cache.answer.tokens\0spent\0input", 3_000_000],
        ["cache.answer.tokens\0spent\0output", 500_000],
        ["cache.answer.cost\0saved\0input", 3],
        ["cache.answer.cost\0saved\0output", 1],
        ["cache.answer.cost\0spent\0input", 3],
        ["cache.answer.cost\0spent\0output", 1],
      ]),
    );
  });

  // The parent of a span is the step that contains it. A step that seems to have begun later than it
  // did contains too little.
  it.each(EVENTS)(
    "the trace step of $type has the end time of the operation, and not the time of the recording",
    (event) => {
      const steps: StepRecord[] = [];
      const record = createRecorder((_record, step) => steps.push(step));
      record(event, requestRecord());
      expect(steps).toMatchObject([{ endedAt: STARTED_AT + MS, ms: MS }]);
    },
  );

  it("a request record counts every Redis request of a large write", () => {
    const record = createRecorder(() => undefined);
    const request = requestRecord();
    const write = { operation: "write", command: "SET", commands: 500, requests: 6 } as const;
    record({ type: "redis.end", ...write, ...timed }, request);
    record(
      { type: "redis.end", operation: "read", command: "EVALSHA_RO", commands: 4, ...timed },
      request,
    );
    expect(request).toMatchObject({ redisRequests: 7, redisCommands: 504 });
  });
});
