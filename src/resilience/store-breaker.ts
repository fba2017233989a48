import { decorateStore, type StoreOperation } from "../core/decorate-store.ts";
import type { Step } from "../core/events.ts";
import type { SharedStore } from "../core/shared-store.ts";
import { timeStep } from "../core/timed-step.ts";
import type { Breaker } from "./breaker.ts";

/** The step under which each operation is timed: operations on entries are `redis`, those on the log are `log`. */
const STEPS: Readonly<Record<StoreOperation, Step>> = {
  read: "redis",
  verify: "log",
  sync: "log",
  establish: "log",
  write: "redis",
  delete: "redis",
  invalidate: "log",
  numbers: "log",
  trim: "log",
};

/** Puts the shared store behind a breaker, and records the duration of each call as a step of its request. */
export function withBreaker(store: SharedStore, breaker: Breaker): SharedStore {
  return decorateStore(store, (operation, _args, ctx, call) =>
    timeStep(ctx, STEPS[operation], () => breaker.run(ctx.now, call)),
  );
}
