/** Objects that report which of their members are read. They stand in for those of a request. */

/** Called with the name of a member that is read. */
export type OnRead = (name: string) => void;

/**
 * Returns an object that behaves as `object`, and reports each member that is read. `valueOf` can give
 * another value for a member.
 */
export function recordMembers<T extends object>(
  object: T,
  onRead: OnRead,
  valueOf: (name: string, value: unknown) => unknown = (_name, value) => value,
): T {
  const report = (name: string | symbol): void => {
    if (typeof name === "string") onRead(name);
  };
  return new Proxy(object, {
    get(target, name, receiver) {
      report(name);
      const value: unknown = Reflect.get(target, name, receiver);
      return typeof name === "string" ? valueOf(name, value) : value;
    },
    has(target, name) {
      report(name);
      return Reflect.has(target, name);
    },
    getOwnPropertyDescriptor(target, name) {
      report(name);
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
    ownKeys(target) {
      const names = Reflect.ownKeys(target);
      for (const name of names) report(name);
      return names;
    },
  });
}

/** Returns a copy of the fields that reports each field that is read, and `onList` if all are listed. */
export function recordFields(fields: Headers, onRead: OnRead, onList: () => void): Headers {
  const copy = new Headers(fields);
  const reading =
    <T>(read: (name: string) => T) =>
    (name: string): T => {
      onRead(name.toLowerCase());
      return read.call(copy, name);
    };
  const listing =
    <A extends unknown[], T>(list: (...args: A) => T) =>
    (...args: A): T => {
      onList();
      return list.apply(copy, args);
    };
  const entries = listing(Headers.prototype.entries);
  define(copy, {
    get: reading(Headers.prototype.get),
    has: reading(Headers.prototype.has),
    forEach: listing(Headers.prototype.forEach),
    keys: listing(Headers.prototype.keys),
    values: listing(Headers.prototype.values),
    entries,
    [Symbol.iterator]: entries,
  });
  return copy;
}

function define(target: object, members: Readonly<Record<string | symbol, unknown>>): void {
  for (const name of Reflect.ownKeys(members))
    Object.defineProperty(target, name, { value: members[name as string], configurable: true });
}

/** Whether the value is an object without behaviour of its own, whose members can be recorded. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Puts own properties on an object. Returns the function that puts back what was there. Hono's
 * context is one object for all handlers of a request, so a handler's view of it is set and unset.
 */
export function overrideMembers(target: object, members: PropertyDescriptorMap): () => void {
  const before = Object.keys(members).map(
    (name) => [name, Object.getOwnPropertyDescriptor(target, name)] as const,
  );
  for (const [name, descriptor] of Object.entries(members))
    Object.defineProperty(target, name, { configurable: true, enumerable: true, ...descriptor });
  return () => {
    for (const [name, descriptor] of before)
      if (descriptor === undefined) Reflect.deleteProperty(target, name);
      else Object.defineProperty(target, name, descriptor);
  };
}
