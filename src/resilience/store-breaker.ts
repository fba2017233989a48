import type { Breaker, Defer } from "../core/breaker.ts";
import { decorateStore, type StoreOperation } from "../core/decorate-store.ts";
import type { Step } from "../core/events.ts";
import type { Result } from "../core/result.ts";
import type { SharedStore } from "../core/shared-store.ts";
import { timeStep } from "../core/timed-step.ts";

/**
 * The step under which an operation is timed: operations on entries are `redis`, those on the log are
 * `log`. Reads of the log are not timed here: several requests may wait for one of them, and the engine
 * times each wait.
 */
const STEPS: Readonly<Partial<Record<StoreOperation, Step>>> = {
  read: "redis",
  write: "redis",
  delete: "redis",
  erase: "redis",
  invalidate: "log",
  numbers: "log",
  trim: "log",
};

/**
 * The operations that a reader waits for. They are refused while the breaker probes in the
 * background. All others are work after a response or for an operator, and may be the probe.
 */
const FOR_READERS: ReadonlySet<StoreOperation> = new Set(["read", "verify", "sync"]);

/**
 * A part of an erasure takes as long as the scan of its page, and says nothing of the calls of readers. The breaker
 * refuses it while it is open, but neither counts it nor takes it for a probe.
 */
async function runUncounted<T>(
  breaker: Breaker,
  defer: Defer,
  call: () => Promise<Result<T>>,
): Promise<Result<T>> {
  const admitted = breaker.begin(defer);
  if (!admitted.ok) return admitted;
  try {
    return await call();
  } finally {
    admitted.value.end("ignored");
  }
}

/** Puts the shared store behind a breaker, and records the duration of each call as a step of its request. */
export function withBreaker(store: SharedStore, breaker: Breaker): SharedStore {
  return decorateStore(store, (operation, _args, ctx, call) => {
    const guarded = () => {
      if (operation === "erase") return runUncounted(breaker, ctx.defer, call);
      return FOR_READERS.has(operation) ? breaker.run(call, ctx.defer) : breaker.run(call);
    };
    const step = STEPS[operation];
    return step === undefined ? guarded() : timeStep(ctx, step, guarded);
  });
}
