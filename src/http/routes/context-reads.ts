/** Reports what code reads from Hono's context: variables, and what the context knows of the request. */
import type { Context as HonoContext } from "hono";
import { isPlainObject, overrideMembers, recordMembers } from "./recorded-reads.ts";
import type { StrataEnv } from "./request-scope.ts";

export interface ContextReads {
  /** The request that the code gets. */
  readonly request: Request;
  /**
   * Called with a variable that was set before, and returns the value that the code gets. Variables
   * that the code itself sets are not reported.
   */
  onVariable(name: string, value: unknown): unknown;
  /** Called with a parameter of the path, and returns the value that the code gets. */
  onParam(name: string, value: unknown): unknown;
  onPath(): void;
  /**
   * Called with a member of what a validator returned. The member is `*` if the whole was read. Data of
   * validators that the code itself runs is not reported.
   */
  onValidated(target: string, member: string): void;
}

/** Reports the reads, until the returned function is called. */
export function interceptReads(c: HonoContext<StrataEnv>, reads: ContextReads): () => void {
  const { req } = c;
  const { path } = req;
  const setInside = new Set<string>();
  const validatedInside = new Set<string>();
  const get = c.get as (name: string) => unknown;
  const set = c.set as (name: string, value: unknown) => void;
  const variables = getterOf(c, "var");
  const param = req.param.bind(req) as (name?: string) => unknown;
  const valid = req.valid.bind(req) as (target: string) => unknown;
  const addValidatedData = req.addValidatedData.bind(req) as (target: string, data: object) => void;

  function read(name: string, value: unknown): unknown {
    return setInside.has(name) ? value : reads.onVariable(name, value);
  }

  const restoreContext = overrideMembers(c, {
    get: method((name: string) => read(name, get(name))),
    set: method((name: string, value: unknown) => {
      setInside.add(name);
      set(name, value);
    }),
    var: {
      get() {
        const all = variables() as Record<string, unknown>;
        return recordMembers(all, (name) => void read(name, all[name]), read);
      },
    },
  });
  const restoreRequest = overrideMembers(req, {
    raw: { writable: true, value: reads.request },
    bodyCache: { writable: true, value: {} },
    path: {
      get() {
        reads.onPath();
        return path;
      },
    },
    param: method((name?: string) => {
      if (name !== undefined) return reads.onParam(name, param(name));
      const all = param() as Record<string, unknown>;
      const onRead = (each: string): void => void reads.onParam(each, all[each]);
      return recordMembers(all, onRead, (each, value) => reads.onParam(each, value));
    }),
    addValidatedData: method((target: string, data: object) => {
      validatedInside.add(target);
      addValidatedData(target, data);
    }),
    valid: method((target: string) => {
      const value = valid(target);
      if (value === undefined || validatedInside.has(target)) return value;
      if (isPlainObject(value))
        return recordMembers(value, (member) => reads.onValidated(target, member));
      reads.onValidated(target, "*");
      return value;
    }),
  });
  return () => {
    restoreRequest();
    restoreContext();
  };
}

function method(value: (...args: never[]) => unknown): PropertyDescriptor {
  return { writable: true, value };
}

/** Returns the getter of a member, which the object or its class defines. */
function getterOf(object: object, name: string): () => unknown {
  for (
    let at: object | null = object;
    at !== null;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    const getter = Object.getOwnPropertyDescriptor(at, name)?.get;
    if (getter !== undefined) return getter.bind(object);
  }
  return () => ({});
}
