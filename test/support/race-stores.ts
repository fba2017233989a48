/** The shared stores that the races are made with. */
import { inject } from "vitest";
import type { TestClock, TestIsolate } from "./isolate.ts";
import {
  createDurableIsolate,
  holdNextCall,
  loseObjects,
  releaseCalls,
  UNREACHABLE,
  type DurableBindings,
} from "./durable-isolate.ts";
import type { Gate } from "./gate.ts";
import { redisCommand } from "./gateway.ts";
import { holdNextAnswer, holdNextRequest, restoreNetwork } from "./network.ts";
import { createWorld, createWorldOf, type World, type WorldLayer } from "./shared-world.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Whether Redis is a real server, and not the embedded one. */
    readonly realRedis: boolean;
  }
}

export interface RaceBindings {
  readonly FLIGHTS?: DurableObjectNamespace;
}

export type RaceWorld = World<WorldLayer, RaceBindings>;
export type RaceIsolate = TestIsolate<WorldLayer>;

export interface RaceOptions extends RaceBindings {
  readonly clock?: TestClock;
  /** No request reaches the store. */
  readonly isUnreachable?: boolean;
  /** Waits end as they do by default, also on a busy machine. */
  readonly isImpatient?: boolean;
}

export interface RaceStore {
  readonly createWorld: (options?: RaceOptions) => Promise<RaceWorld>;
  /** Holds the next request to the store that contains `text` before it is sent. */
  holdNextRequest(text: string): Gate;
  /** Holds the answer to the next request to the store that contains `text`. The request is executed. */
  holdNextAnswer(text: string): Gate;
  /** A text in the request of a sync. */
  readonly syncs: string;
  /** Deletes everything that the store holds: the entries and the log. */
  lose(world: RaceWorld): Promise<void>;
  /** Holds nothing back any more. For `afterEach`. */
  readonly restore: () => void;
}

const REDIS: RaceStore = {
  createWorld: ({ clock, isUnreachable = false, isImpatient = false, ...bindings } = {}) =>
    createWorld({
      ...(clock && { clock }),
      // A busy machine does not end the waits for Redis and for the flight objects.
      options: isImpatient
        ? {}
        : { redis: { timeout: "10s" }, flights: { grantTimeout: "10s", slack: "10s" } },
      bindings: {
        ...bindings,
        // No server listens on this port.
        ...(isUnreachable && { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:9" }),
      },
    }),
  holdNextRequest,
  holdNextAnswer,
  syncs: "inv",
  lose: () => redisCommand("FLUSHALL"),
  restore: restoreNetwork,
};

const durableStore = (shards: number): RaceStore => ({
  createWorld: ({ clock, isUnreachable = false, isImpatient = false, ...all } = {}) =>
    createWorldOf<WorldLayer, DurableBindings>(({ bindings, ...own }) =>
      createDurableIsolate(
        {
          ...own,
          ...(clock && { clock }),
          bindings: { ...(isUnreachable && { STRATA: UNREACHABLE }), ...all, ...bindings },
        },
        { shards, isImpatient },
      ),
    ),
  holdNextRequest: (text) => holdNextCall(text, "request"),
  holdNextAnswer: (text) => holdNextCall(text, "answer"),
  syncs: "sync[",
  lose: ({ namespace }) => loseObjects(namespace, shards),
  restore() {
    releaseCalls();
    restoreNetwork();
  },
});

const ALL_STORES: readonly (readonly [string, RaceStore])[] = [
  ["Redis", REDIS],
  ["one Durable Object", durableStore(0)],
  ["Durable Objects with the entries in another one", durableStore(1)],
];

/** On a real Redis server, the races run with Redis alone: the others need no Redis, and run beside the embedded one. */
export const RACE_STORES = inject("realRedis") ? ALL_STORES.slice(0, 1) : ALL_STORES;
