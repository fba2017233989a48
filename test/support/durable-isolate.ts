/** Test isolates of the data cache with the shared store and the flights in Durable Objects. */
import { keepAlive } from "../../src/keep-alive.ts";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createDataLayer } from "../../src/compose/data-layer.ts";
import { dataPartsOf } from "../../src/compose/data-parts.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import type { Shared } from "../../src/data/shared.ts";
import { durable, flights } from "../../src/entries/durable.ts";
import { createGate, type Gate } from "./gate.ts";
import { runIsolate, type TestIsolate } from "./isolate.ts";
import type { WorldLayer, WorldPlace } from "./shared-world.ts";

export interface DurableBindings {
  readonly STRATA?: DurableObjectNamespace;
  readonly FLIGHTS?: DurableObjectNamespace;
}

/** A machine that is busy with tests makes no call of an object slow. */
const PATIENT = { breaker: { slow: "1m" } } as const;

export interface DurableIsolateOptions {
  readonly shards: number;
  /** Waits end as they do by default, also on a busy machine. */
  readonly isImpatient?: boolean;
}

/** Starts an isolate. All isolates of one namespace share the objects. */
export function createDurableIsolate(
  { namespace, clock, host, bindings = {} }: WorldPlace<DurableBindings>,
  { shards, isImpatient = false }: DurableIsolateOptions,
): TestIsolate<WorldLayer> {
  return runIsolate({ clock, host, region: namespace }, ({ sleep, emit }) => {
    const objects = bindings.STRATA ?? withHolds(env.STRATA);
    let store: SharedStore | undefined;
    const shared: Shared = {
      open(parts) {
        const opened = durable(objects, {
          shards,
          ...PATIENT,
          ...(isImpatient ? {} : { timeout: "10s" }),
        }).open(parts);
        ({ store } = opened);
        return opened;
      },
    };
    const strata = createDataLayer(
      {
        namespace,
        shared,
        flights: flights(
          bindings.FLIGHTS ?? env.FLIGHTS,
          isImpatient ? PATIENT : { grantTimeout: "10s", ...PATIENT },
        ),
        onEvent: emit,
      },
      { now: clock.now, random: () => 0, newId: () => crypto.randomUUID(), sleep },
      keepAlive,
    );
    const parts = dataPartsOf(strata);
    if (store === undefined) throw new Error("the data cache has opened no store");
    return { layer: { ...parts, store }, open: parts.openFor };
  });
}

interface Hold {
  readonly text: string;
  readonly at: "request" | "answer";
  readonly gate: Gate;
}
let hold: Hold | undefined;

/** Deletes what the objects of a namespace have on disk and in memory. */
export async function loseObjects(namespace: string, shards: number): Promise<void> {
  const entries = Array.from({ length: shards }, (_, i) => `${namespace}-entries-${i}`);
  for (const name of [`${namespace}-store`, ...entries]) {
    const stub = env.STRATA.get(env.STRATA.idFromName(name));
    await runInDurableObject(stub, (_, { storage }) => storage.deleteAll());
    await evictDurableObject(stub);
  }
}

/** Holds the next call of an object whose method and arguments contain `text`: before it is sent, or its answer. */
export function holdNextCall(text: string, at: Hold["at"]): Gate {
  const gate = createGate();
  hold = { text, at, gate };
  return gate;
}

/** Holds no further call. For `afterEach`. */
export function releaseCalls(): void {
  hold = undefined;
}

type Method = (...args: unknown[]) => Promise<unknown>;

/** The real objects, behind calls that a test can hold back. */
function withHolds(objects: DurableObjectNamespace): DurableObjectNamespace {
  return fakeObjects((...args) => {
    const stub = objects.get(...args) as unknown as Readonly<Record<string, Method>>;
    return new Proxy(stub, {
      get: (target, name: string): Method =>
        async function call(...sent) {
          const send = () => target[name]!(...sent);
          const holding = hold;
          if (holding === undefined || !(name + JSON.stringify(sent)).includes(holding.text))
            return send();
          hold = undefined;
          if (holding.at === "request") await holding.gate.pass();
          const answer = await send();
          if (holding.at === "answer") await holding.gate.pass();
          return answer;
        },
    });
  });
}

/** Objects that no call reaches. */
export const UNREACHABLE: DurableObjectNamespace = fakeObjects(
  () =>
    new Proxy({}, { get: () => () => Promise.reject(new Error("the objects cannot be reached")) }),
);

function fakeObjects(
  get: (...args: Parameters<DurableObjectNamespace["get"]>) => object,
): DurableObjectNamespace {
  const fake = { idFromName: (name: string) => env.STRATA.idFromName(name), get };
  return fake as unknown as DurableObjectNamespace;
}
