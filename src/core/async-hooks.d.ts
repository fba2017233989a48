/** The part of Node's module that workerd provides with the flag nodejs_als. */
declare module "node:async_hooks" {
  export class AsyncLocalStorage<T> {
    run<R>(store: T, call: () => R): R;
    getStore(): T | undefined;
  }
}
