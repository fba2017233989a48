/**
 * Lets a handler see only what the key of its route names. Fields that the key does not name are
 * absent. What cannot be taken away from the handler makes its answer private when it is read.
 */
import type { Context as HonoContext } from "hono";
import { routePath } from "hono/route";
import type { RequestPart, UnkeyedRead } from "../../core/events.ts";
import { tenantIn } from "../../core/key.ts";
import type { Lookup } from "../../core/lookup.ts";
import { CONDITIONAL_FIELDS } from "../rfc/validation.ts";
import { isPlainObject } from "./key-function.ts";
import { NEGOTIATED_FIELDS, type NamedParts } from "./named-parts.ts";
import { overrideMembers, recordFields, recordMembers } from "./recorded-reads.ts";
import type { StrataEnv } from "./request-scope.ts";

export interface HandlerView {
  /** The name of the first part that the handler read although the key does not name it. */
  readonly unkeyed: string | undefined;
  /** False if the key is not certain. Then the answer is private, whatever the handler reads. */
  readonly isStable: boolean;
  /** The negotiated fields that the handler has read and the key does not name, in lower case. */
  readonly negotiated: ReadonlySet<string>;
  /** Checks the keys on which the answer depends: the tenants in them have to be in the key. */
  check(lookup: Lookup): void;
  /** Notes that the handler read something that the key does not name. */
  add(part: RequestPart, name: string): void;
  /** Gives the context back. */
  close(): void;
}

export interface HandlerViewOptions {
  readonly parts: NamedParts;
  /** The variables that are the same for every client. */
  readonly shared: ReadonlySet<string>;
  /** The fields that the rules of the route name, in lower case. */
  readonly keyedFields: ReadonlySet<string>;
  /** The place where `cached()` was called. */
  readonly definedAt: string;
  readonly emit: (event: UnkeyedRead) => void;
}

/** The variable with which handlers reach the layer. */
const LAYER_VARIABLE = "strata";

/** Replaces the parts of the context that tell clients apart, until `close` is called. */
export function openHandlerView(
  c: HonoContext<StrataEnv>,
  { parts, shared, keyedFields, definedAt, emit }: HandlerViewOptions,
): HandlerView {
  const { req } = c;
  const { raw, path } = req;
  const { request } = parts;
  const { headers: visible, cf } = request;
  const route = routePath(c);
  const reported = new Set<string>();
  const negotiated = new Set<string>();
  const setInside = new Set<string>();
  const validatedInside = new Set<string>();
  let unkeyed: string | undefined;

  function report(part: RequestPart, name: string, outcome: UnkeyedRead["outcome"]): void {
    const id = `${part} ${name}`;
    if (reported.has(id)) return;
    reported.add(id);
    emit({ type: "route.unkeyed", route, part, name, outcome, definedAt });
  }

  function add(part: RequestPart, name: string): void {
    unkeyed ??= name;
    report(part, name, "private");
  }

  function onField(name: string): void {
    if (NEGOTIATED_FIELDS.includes(name)) {
      if (!keyedFields.has(name)) negotiated.add(name);
    } else if (parts.halfNamed.has(name)) add("header", name);
    else if (!HIDDEN_SILENTLY.has(name) && isHidden(name)) report("header", name, "hidden");
  }

  function isHidden(name: string): boolean {
    return visible.get(name) !== raw.headers.get(name);
  }

  function onVariable(name: string): void {
    if (name === LAYER_VARIABLE || shared.has(name)) return;
    if (!setInside.has(name) && !parts.variable(name)) add("variable", name);
  }

  function onParam(name: string): void {
    if (!parts.param(name)) add("param", name);
  }

  const clientCf: Readonly<Record<string, unknown>> | undefined = raw.cf;
  overrideMembers(request, {
    headers: {
      value: recordFields(visible, onField, () => {
        for (const name of NEGOTIATED_FIELDS) onField(name);
        for (const name of parts.halfNamed) onField(name);
      }),
    },
    cf: {
      get() {
        if (cf === undefined && clientCf !== undefined) report("cf", "", "hidden");
        return cf;
      },
    },
  });

  const get = c.get as (name: string) => unknown;
  const set = c.set as (name: string, value: unknown) => void;
  const variables = Object.getOwnPropertyDescriptor(c, "var") ?? inheritedVariables(c);
  const param = req.param.bind(req) as (name?: string) => unknown;
  const valid = req.valid.bind(req) as (target: string) => unknown;
  const addValidatedData = req.addValidatedData.bind(req) as (target: string, data: object) => void;

  const restoreContext = overrideMembers(c, {
    get: {
      writable: true,
      value(name: string) {
        onVariable(name);
        return get(name);
      },
    },
    set: {
      writable: true,
      value(name: string, value: unknown) {
        setInside.add(name);
        set(name, value);
      },
    },
    var: {
      get: () => recordMembers(variables.get?.call(c) as object, onVariable),
    },
  });
  const restoreRequest = overrideMembers(req, {
    raw: { writable: true, value: request },
    bodyCache: { writable: true, value: {} },
    path: {
      get() {
        if (!parts.path) add("path", "path");
        return path;
      },
    },
    param: {
      value(name?: string) {
        if (name === undefined) return recordMembers(param() as object, onParam);
        onParam(name);
        return param(name);
      },
    },
    addValidatedData: {
      value(target: string, data: object) {
        validatedInside.add(target);
        addValidatedData(target, data);
      },
    },
    valid: {
      value(target: string) {
        const value = valid(target);
        if (value === undefined || validatedInside.has(target)) return value;
        if (isPlainObject(value))
          return recordMembers(value, (member) => {
            if (!parts.validated(target, member)) add("validated", target);
          });
        if (!parts.validated(target, "*")) add("validated", target);
        return value;
      },
    },
  });
  if (!parts.isStable) add("key", "key");

  return {
    get unkeyed() {
      return unkeyed;
    },
    isStable: parts.isStable,
    negotiated,
    add,
    check({ key, entry }) {
      for (const each of [`k:${key}`, ...(entry?.invalidationKeys ?? [])]) {
        const tenant = each.startsWith("k:") ? tenantIn(each.slice(2)) : undefined;
        if (tenant !== undefined && !parts.tenant(tenant)) add("tenant", "tenant");
      }
    },
    close() {
      restoreRequest();
      restoreContext();
    },
  };
}

/** Fields that are for the answer to one request. Middleware reads them often, and can do without. */
const HIDDEN_SILENTLY: ReadonlySet<string> = new Set([
  ...CONDITIONAL_FIELDS,
  "cache-control",
  "content-length",
  "content-type",
  "pragma",
]);

/** Returns the getter of `c.var`, which Hono's class defines. */
function inheritedVariables(c: HonoContext<StrataEnv>): PropertyDescriptor {
  let prototype: object | null = Object.getPrototypeOf(c) as object | null;
  while (prototype !== null) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, "var");
    if (descriptor !== undefined) return descriptor;
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return {};
}
