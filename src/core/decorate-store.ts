import type { Context } from "./context.ts";
import type { Result } from "./result.ts";
import type { SharedStore } from "./shared-store.ts";

/** The name of one method of the shared store. */
export type StoreOperation = keyof SharedStore;
type Methods = Required<SharedStore>;
export type StoreArgs<O extends StoreOperation> = Parameters<Methods[O]>;
export type StoreValue<O extends StoreOperation> =
  Awaited<ReturnType<Methods[O]>> extends Result<infer T> ? T : never;

/** Wraps one call of the store. `call` makes the call; the wrapper returns its result or another result. */
export type AroundStore = <O extends StoreOperation>(
  operation: O,
  args: StoreArgs<O>,
  ctx: Context,
  call: () => Promise<Result<StoreValue<O>>>,
) => Promise<Result<StoreValue<O>>>;

/** Wraps every method of a shared store with the same function. */
export function decorateStore(store: SharedStore, around: AroundStore): SharedStore {
  function wrap<O extends StoreOperation>(operation: O) {
    return (...args: StoreArgs<O>): Promise<Result<StoreValue<O>>> => {
      const method = store[operation] as (...args: StoreArgs<O>) => Promise<Result<StoreValue<O>>>;
      // The context is the last argument of every method.
      return around(operation, args, args.at(-1) as Context, () => method(...args));
    };
  }

  return {
    read: wrap("read"),
    verify: wrap("verify"),
    sync: wrap("sync"),
    establish: wrap("establish"),
    write: wrap("write"),
    delete: wrap("delete"),
    ...(store.erase && { erase: wrap("erase") }),
    invalidate: wrap("invalidate"),
    numbers: wrap("numbers"),
    trim: wrap("trim"),
  };
}
