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
import { interceptReads } from "./context-reads.ts";
import { NEGOTIATED_FIELDS, type NamedParts } from "./named-parts.ts";
import { isPlainObject, overrideMembers, recordFields, recordMembers } from "./recorded-reads.ts";
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
  const { raw } = c.req;
  const { request } = parts;
  const { headers: visible, cf } = request;
  const route = routePath(c);
  const reported = new Set<string>();
  const negotiated = new Set<string>();
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
    return visible.get(name) === null && raw.headers.get(name) !== null;
  }

  overrideMembers(request, {
    headers: {
      value: recordFields(visible, onField, () => {
        for (const name of NEGOTIATED_FIELDS) onField(name);
        for (const name of parts.halfNamed) onField(name);
      }),
    },
    cf: {
      get() {
        if (cf === undefined && raw.cf !== undefined) report("cf", "", "hidden");
        return cf;
      },
    },
  });

  const restore = interceptReads(c, {
    request,
    onVariable(name, value) {
      if (name === LAYER_VARIABLE || shared.has(name)) return value;
      if (!parts.variable(name)) add("variable", name);
      else if (isPlainObject(value))
        return recordMembers(value, (member) => {
          if (!parts.member(name, member)) add("variable", name);
        });
      return value;
    },
    onParam(name, value) {
      if (!parts.param(name)) add("param", name);
      return value;
    },
    onPath() {
      if (!parts.path) add("path", "path");
    },
    onValidated(target, member) {
      if (!parts.validated(target, member)) add("validated", target);
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
    close: restore,
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
