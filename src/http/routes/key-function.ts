/**
 * Finds out which parts of a request a key function names. The function runs again, with a request
 * that records what is read. Of a text that has several parts (the URL, the cookies) each part is
 * then left out in turn: a part whose absence does not change the key is not named.
 */
import type { Context as HonoContext } from "hono";
import { routePath } from "hono/route";
import { tenantIn } from "../../core/key.ts";
import { DEFAULT_CREDENTIAL_HEADERS } from "../cache/sharing-rules.ts";
import { interceptReads } from "./context-reads.ts";
import {
  createHandlerRequest,
  NEGOTIATED_FIELDS,
  pickCf,
  pickFields,
  UNKEYED_ORIGIN,
  type NamedParts,
} from "./named-parts.ts";
import { isPlainObject, overrideMembers, recordFields, recordMembers } from "./recorded-reads.ts";
import type { StrataEnv } from "./request-scope.ts";
import { splitCookies } from "./route-key.ts";

/** Makes the key of a request: the same one each time, since it also runs to find out what it reads. */
export type KeyFunction = (c: HonoContext<StrataEnv>) => string | Promise<string>;

/** The most runs of a key function for one load. If it needs more, the response is private. */
const MAX_RUNS = 100;

/** Fields of whose value a key must name more than a part, in lower case. */
const CREDENTIALS = new Set(
  ["authorization", ...DEFAULT_CREDENTIAL_HEADERS].map((name) => name.toLowerCase()),
);

/** A part of a request that a run of a key function can leave out. */
interface Part {
  readonly kind: "origin" | "parameter" | "field" | "cookie";
  /** The name of a field. Empty for other parts. */
  readonly name: string;
  readonly text: string;
}

/** Returns the parts of the request that the function names. `primary` is the key that it has made. */
export async function partsNamedByFunction(
  c: HonoContext<StrataEnv>,
  keyOf: KeyFunction,
  primary: string,
): Promise<NamedParts> {
  const reads = newReads();
  const isSameKey = (await recordRun(c, keyOf, reads)) === primary;
  const clientPath = new URL(c.req.raw.url).pathname;
  let runs = 0;

  /** Runs the function with these parts alone. An error counts as another key: the parts caused it. */
  async function keyWith(
    parts: readonly Part[],
    { path = clientPath, variable, param }: OtherValues = {},
  ): Promise<string | undefined> {
    if (++runs > MAX_RUNS) return undefined;
    const request = requestOf(parts, path, pickCf(c.req.raw.cf, reads.cf));
    const restorePath = overrideMembers(c.req, { path: { value: path, writable: true } });
    const restore = interceptReads(c, {
      request,
      onVariable: (name, value) => (name === variable?.name ? variable.value : value),
      onParam: (name, value) => (name === param?.name ? param.value : value),
      onPath: () => undefined,
      onValidated: () => undefined,
    });
    try {
      return await keyOf(c);
    } catch {
      return undefined;
    } finally {
      restore();
      restorePath();
    }
  }

  let parts = partsRead(c.req.raw, reads);
  if ((await keyWith(parts)) !== primary) {
    // The function has read from a copy of the request, which records nothing.
    reads.url = reads.list = true;
    for (const name of Object.keys(c.req.raw.cf ?? {})) reads.cf.add(name);
    parts = partsRead(c.req.raw, reads);
  }
  /** Leaves out those of the given parts whose absence does not change the key: all, or by halves. */
  async function reduce(given: readonly Part[]): Promise<void> {
    if (given.length === 0) return;
    const rest = parts.filter((part) => !given.includes(part));
    if ((await keyWith(rest)) === primary) {
      parts = rest;
      return;
    }
    if (given.length === 1) return;
    const middle = given.length >> 1;
    // The later half goes first, because functions read the first of several values of a name.
    await reduce(given.slice(middle));
    await reduce(given.slice(0, middle));
  }
  for (const kind of ["origin", "parameter", "field", "cookie"] as const)
    await reduce(parts.filter((part) => part.kind === kind && !isNegotiated(part)));

  const halfNamed = new Set<string>();
  for (const part of parts.filter(isCredential)) {
    if (primary.split(":").includes(encodeURIComponent(valueOf(part)))) continue;
    const altered = { ...part, text: otherValueOf(part.text) };
    const others = parts.filter((each) => each !== part);
    const key = await keyWith([...others, altered]);
    if (key === primary || key === (await keyWith(others)))
      halfNamed.add(part.kind === "cookie" ? "cookie" : part.name);
  }

  for (const [name, value] of reads.variables) {
    const other = otherVariable(
      value,
      [...reads.members].some((each) => each.startsWith(`${name} `)),
    );
    if (other === undefined) continue;
    if ((await keyWith(parts, { variable: { name, value: other.value } })) === primary)
      reads.variables.delete(name);
  }
  for (const [name, value] of reads.params) {
    const other = { name, value: otherValueOf(String(value)) };
    if ((await keyWith(parts, { param: other })) === primary) reads.params.delete(name);
  }
  const pattern = routePath(c);
  const areParamsRead = [...pattern.matchAll(/:(\w+)/g)].every(([, name = ""]) =>
    reads.params.has(name),
  );
  const isPathRead = reads.url || reads.path;
  const path =
    (areParamsRead && !pattern.includes("*")) ||
    (isPathRead && (await keyWith(parts, { path: `${clientPath}-other` })) !== primary);
  return {
    request: requestOf(
      parts,
      path ? clientPath : encodeURI(pattern),
      pickCf(c.req.raw.cf, reads.cf),
    ),
    path,
    param: (name) => path || reads.params.has(name),
    variable: (name) => reads.variables.has(name),
    member: (variable, member) => reads.members.has(`${variable} ${member}`),
    validated: (target, member) => reads.validated.has(`${target} ${member}`),
    halfNamed,
    tenant: (tenant) => tenantIn(primary) === tenant,
    isStable: isSameKey && runs <= MAX_RUNS,
  };
}

/** Values for one run of a key function in place of those of the request. */
interface OtherValues {
  readonly path?: string;
  readonly variable?: { readonly name: string; readonly value: unknown };
  readonly param?: { readonly name: string; readonly value: string };
}

/**
 * Returns another value for a variable; a key that names the variable is another one with it. Undefined
 * if there is none: of an object whose members are read, these members are named, and a variable
 * without a value has no part that a key could leave out.
 */
function otherVariable(
  value: unknown,
  hasMembers: boolean,
): { readonly value: unknown } | undefined {
  switch (typeof value) {
    case "string":
      return { value: otherValueOf(value) };
    case "number":
      return { value: value + 1 };
    case "boolean":
      return { value: !value };
    default:
      return value === undefined || value === null || hasMembers ? undefined : { value: {} };
  }
}

/** What a run of a key function has read. */
interface Reads {
  url: boolean;
  path: boolean;
  /** All fields were listed. */
  list: boolean;
  readonly fields: Set<string>;
  readonly cf: Set<string>;
  /** Parameters of the path with their values. */
  readonly params: Map<string, unknown>;
  /** Variables with their values. */
  readonly variables: Map<string, unknown>;
  /** Variables that are objects, with the member that was read. */
  readonly members: Set<string>;
  /** Targets of validators with the member that was read. */
  readonly validated: Set<string>;
}

const newReads = (): Reads => ({
  url: false,
  path: false,
  list: false,
  fields: new Set(),
  cf: new Set(),
  params: new Map(),
  variables: new Map(),
  members: new Set(),
  validated: new Set(),
});

/** Runs the function once, with a context that records what is read. */
async function recordRun(
  c: HonoContext<StrataEnv>,
  keyOf: KeyFunction,
  reads: Reads,
): Promise<string> {
  const { url, headers, cf } = c.req.raw;
  const request = createHandlerRequest(url, headers, cf);
  overrideMembers(request, {
    url: {
      get() {
        reads.url = true;
        return url;
      },
    },
    headers: {
      value: recordFields(
        headers,
        (name) => reads.fields.add(name),
        () => {
          reads.list = true;
        },
      ),
    },
    cf: { value: cf && recordMembers(cf, (name) => reads.cf.add(name)) },
  });
  const restore = interceptReads(c, {
    request,
    onVariable(name, value) {
      reads.variables.set(name, value);
      return isPlainObject(value)
        ? recordMembers(value, (member) => reads.members.add(`${name} ${member}`))
        : value;
    },
    onParam(name, value) {
      reads.params.set(name, value);
      return value;
    },
    onPath() {
      reads.path = true;
    },
    onValidated: (target, member) => reads.validated.add(`${target} ${member}`),
  });
  try {
    return await keyOf(c);
  } finally {
    restore();
  }
}

/** Returns the parts that the function has read, and the negotiated fields. */
function partsRead({ url, headers }: Request, reads: Reads): readonly Part[] {
  const { origin, search } = new URL(url);
  const names = reads.list ? [...headers.keys()] : [...reads.fields];
  const fields = pickFields(headers, [...NEGOTIATED_FIELDS, ...names]);
  const parts: Part[] = [];
  if (reads.url) {
    parts.push({ kind: "origin", name: "", text: origin });
    for (const text of search.slice(1).split("&"))
      if (text !== "") parts.push({ kind: "parameter", name: "", text });
  }
  for (const [name, text] of fields)
    if (name !== "cookie") parts.push({ kind: "field", name, text });
  for (const text of splitCookies(fields.get("cookie")))
    parts.push({ kind: "cookie", name: "", text });
  return parts;
}

function isNegotiated({ kind, name }: Part): boolean {
  return kind === "field" && NEGOTIATED_FIELDS.includes(name);
}

function isCredential({ kind, name }: Part): boolean {
  return kind === "cookie" || (kind === "field" && CREDENTIALS.has(name));
}

function valueOf({ kind, text }: Part): string {
  return kind === "cookie" ? text.slice(text.indexOf("=") + 1) : text;
}

function requestOf(
  parts: readonly Part[],
  path: string,
  cf: Readonly<Record<string, unknown>> | undefined,
): Request {
  const texts = (kind: Part["kind"]): string[] =>
    parts.filter((part) => part.kind === kind).map(({ text }) => text);
  const [origin = UNKEYED_ORIGIN] = texts("origin");
  const parameters = texts("parameter");
  const query = parameters.length === 0 ? "" : `?${parameters.join("&")}`;
  const headers = new Headers();
  for (const { kind, name, text } of parts) if (kind === "field") headers.set(name, text);
  const cookies = texts("cookie");
  if (cookies.length > 0) headers.set("Cookie", cookies.join("; "));
  return createHandlerRequest(`${origin}${path}${query}`, headers, cf);
}

/** Returns a text of the same form whose last letter or digit is another one. */
function otherValueOf(text: string): string {
  const other = text.replace(/[a-z0-9](?=[^a-z0-9=]*$)/i, (last) =>
    /[zZ9]/.test(last) ? { z: "y", Z: "Y", 9: "8" }[last as "z"] : nextOf(last),
  );
  return other === text ? `${text}0` : other;
}

function nextOf(char: string): string {
  return String.fromCharCode(char.charCodeAt(0) + 1);
}
