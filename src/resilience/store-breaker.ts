import { timeStep } from "../core/timed-step.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Breaker } from "./breaker.ts";

/** The shared store behind a breaker, each call timed as a step of its request. */
export function withBreaker(store: SharedStore, breaker: Breaker): SharedStore {
  const run = <T>(
    step: "redis" | "log",
    ctx: Context,
    call: () => Promise<Result<T>>,
  ): Promise<Result<T>> => timeStep(ctx, step, () => breaker.run(ctx.now, call));

  return {
    read: (keys, since, ctx) => run("redis", ctx, () => store.read(keys, since, ctx)),
    verify: (members, since, ctx) => run("log", ctx, () => store.verify(members, since, ctx)),
    sync: (since, ctx) => run("log", ctx, () => store.sync(since, ctx)),
    establish: (known, ctx) => run("log", ctx, () => store.establish(known, ctx)),
    write: (entries, ctx) => run("redis", ctx, () => store.write(entries, ctx)),
    delete: (keys, ctx) => run("redis", ctx, () => store.delete(keys, ctx)),
    invalidate: (members, ctx) => run("log", ctx, () => store.invalidate(members, ctx)),
    numbers: (members, ctx) => run("log", ctx, () => store.numbers(members, ctx)),
    trim: (keepMs, ctx) => run("log", ctx, () => store.trim(keepMs, ctx)),
  };
}
