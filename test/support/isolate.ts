/** Test isolates. Each has its own memory and log view. */
import { createContext } from "../../src/core/context.ts";
import type { CacheEvent } from "../../src/core/events.ts";
import type { Context } from "../../src/core/context.ts";
import type { DataReader } from "../../src/core/data-reader.ts";
import { createReader } from "../../src/engine/reader.ts";
import { etagOf } from "../../src/core/etag.ts";
import type { Bindings, StrataOptions } from "../../src/index.ts";
import { createTestLayer, type TestLayer } from "./layer.ts";

export interface TestClock {
  now(): number;
  /** Moves this clock forward, or back if negative. */
  advance(ms: number): void;
  /** Resolves after `ms`: of real time, or of this clock if it is stopped. */
  sleep(ms: number): Promise<void>;
  /** Stops real time: from now on only `advance` moves this clock, however busy the machine is. */
  stop(): void;
}

/** The real clock with an offset. Timers and I/O stay real. */
export function createTestClock(): TestClock {
  let offset = 0;
  let stoppedAt: number | undefined;
  let sleepers: { readonly wakeAt: number; readonly wake: () => void }[] = [];
  const now = (): number => (stoppedAt ?? Date.now()) + offset;
  return {
    now,
    advance: (ms) => {
      offset += ms;
      const due = sleepers.filter(({ wakeAt }) => wakeAt <= now());
      sleepers = sleepers.filter(({ wakeAt }) => wakeAt > now());
      for (const { wake } of due) wake();
    },
    sleep: (ms) =>
      new Promise((wake) => {
        if (stoppedAt === undefined) setTimeout(wake, ms);
        else sleepers.push({ wakeAt: now() + ms, wake });
      }),
    stop: () => {
      stoppedAt ??= Date.now();
    },
  };
}

export interface TestIsolate<Layer = TestLayer> {
  readonly layer: Layer;
  readonly clock: TestClock;
  /** Begins a request of this isolate. */
  request(hasLeft?: () => boolean): TestRequest;
  /** Waits until all deferred work has ended or sleeps on a stopped clock, and the work that it deferred. */
  settle(): Promise<void>;
  /** The events of all requests so far. */
  readonly events: CacheEvent[];
}

export interface TestRequest extends DataReader {
  readonly ctx: Context;
}

export interface TestIsolateOptions {
  /** Isolates of one namespace share Redis, edge and flights. */
  readonly namespace: string;
  readonly clock?: TestClock;
  readonly random?: () => number;
  readonly host?: string;
  readonly region?: string;
  readonly bindings?: Partial<Bindings>;
  /** The options of `createStrata`. */
  readonly options?: StrataOptions;
}

export function createTestIsolate(options: TestIsolateOptions): TestIsolate {
  const { namespace, clock = createTestClock(), random = () => 0, bindings } = options;
  const { host = "strata.test", region = namespace } = options;
  return runIsolate({ clock, host, region }, ({ sleep }) => {
    const layer = createTestLayer({
      now: clock.now,
      random,
      sleep,
      bindings: { STRATA_NAMESPACE: namespace, ...bindings },
      ...(options.options && { options: options.options }),
    });
    const { engine, batch, warmer, loads } = layer;
    const parts = { engine, batch, warmer, loads, etagOf, onLookup: () => undefined };
    return { layer, open: (ctx) => createReader(parts, ctx) };
  });
}

interface IsolatePlace {
  readonly clock: TestClock;
  readonly host: string;
  readonly region: string;
}

interface IsolateParts<Layer> {
  readonly layer: Layer;
  /** Opens the reader of one request. */
  readonly open: (ctx: Context) => DataReader;
}

/** Runs a layer in an isolate. `create` makes the layer, on the isolate's timer and with its list of events. */
export function runIsolate<Layer>(
  { clock, host, region }: IsolatePlace,
  create: (own: {
    sleep: (ms: number) => Promise<void>;
    emit: (event: CacheEvent) => void;
  }) => IsolateParts<Layer>,
): TestIsolate<Layer> {
  let asleep = 0;
  let onSleep = (): void => undefined;
  async function sleep(ms: number): Promise<void> {
    asleep++;
    onSleep();
    await clock.sleep(ms);
    asleep--;
  }
  const events: CacheEvent[] = [];
  const emit = (event: CacheEvent): void => void events.push(event);
  const { layer, open } = create({ sleep, emit });
  const deferred = new Set<Promise<unknown>>();

  function request(hasLeft: () => boolean = () => false): TestRequest {
    const ctx = createContext({
      now: clock.now,
      host,
      region,
      waitUntil: (work) => {
        deferred.add(work);
        void work.finally(() => deferred.delete(work));
      },
      emit,
      hasLeft,
    });
    return { ctx, ...open(ctx) };
  }

  return {
    layer,
    clock,
    request,
    events,
    async settle() {
      while (deferred.size > asleep) {
        const fellAsleep = new Promise<void>((resolve) => (onSleep = resolve));
        await Promise.race([...deferred, fellAsleep]);
      }
    },
  };
}

let counter = 0;

/** A namespace that no other test uses. */
export function uniqueNamespace(): string {
  counter++;
  return `t${counter}-${crypto.randomUUID().slice(0, 13)}`;
}
