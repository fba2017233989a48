/**
 * Finds out which parts of a request a key function names. The function runs again, with a request
 * that records what is read. Of a text that has several parts (the URL, the cookies) each part is
 * then left out in turn: a part whose absence does not change the key is not named.
 */
import type { Context as HonoContext } from "hono";
import { routePath } from "hono/route";
import { tenantIn } from "../../core/key.ts";
import { DEFAULT_CREDENTIAL_HEADERS } from "../cache/sharing-rules.ts";
import {
  createHandlerRequest,
  NEGOTIATED_FIELDS,
  pickCf,
  pickFields,
  UNKEYED_ORIGIN,
  type NamedParts,
} from "./named-parts.ts";
import { overrideMembers, recordFields, recordMembers } from "./recorded-reads.ts";
import type { StrataEnv } from "./request-scope.ts";
import { splitCookies } from "./route-key.ts";

/** Makes the key of a request. */
export type KeyFunction = (c: HonoContext<StrataEnv>) => string;

/** The most runs of a key function for one load. Parts that are left then count as not named. */
const MAX_RUNS = 100;

/** Fields of whose value a key must name more than a part, in lower case. */
const CREDENTIALS = new Set(
  ["authorization", ...DEFAULT_CREDENTIAL_HEADERS].map((name) => name.toLowerCase()),
);

/** The parts of a request that a run of a key function can leave out. */
interface Parts {
  readonly origin: string;
  readonly path: string;
  readonly pairs: readonly string[];
  readonly fields: ReadonlyMap<string, string>;
  readonly cookies: readonly string[];
}

/** Returns the parts of the request that the function names. `primary` is the key that it has made. */
export async function partsNamedByFunction(
  c: HonoContext<StrataEnv>,
  keyOf: KeyFunction,
  primary: string,
): Promise<NamedParts> {
  const reads = newReads();
  const isSameKey = (await recordRun(c, keyOf, reads)) === primary;
  const { cf } = c.req.raw;
  const members = pickCf(cf, reads.cf);
  const toRequest = (parts: Parts): Request =>
    createHandlerRequest(urlOf(parts), fieldsOf(parts), members);
  let runs = 0;
  /** Runs the function with other parts. An error counts as another key, because the parts caused it. */
  async function keyWith(parts: Parts): Promise<string | undefined> {
    if (++runs > MAX_RUNS) return primary;
    const restore = overrideMembers(c.req, {
      raw: { value: toRequest(parts), writable: true },
      path: { value: parts.path, writable: true },
    });
    try {
      return await keyOf(c);
    } catch {
      return undefined;
    } finally {
      restore();
    }
  }

  let parts = partsRead(c.req.raw, reads);
  for (const smaller of smallerParts(parts)) {
    const tried = smaller(parts);
    if ((await keyWith(tried)) === primary) parts = tried;
  }
  const halfNamed = new Set<string>();
  for (const [field, removed, altered, value] of credentialsIn(parts)) {
    if (primary.split(":").includes(encodeURIComponent(value))) continue;
    const other = await keyWith(altered);
    if (other === primary || other === (await keyWith(removed))) halfNamed.add(field);
  }
  const pattern = routePath(c);
  const allParamsRead = [...pattern.matchAll(/:(\w+)/g)].every(([, name = ""]) =>
    reads.params.has(name),
  );
  const path =
    (allParamsRead && !pattern.includes("*")) ||
    ((reads.url || reads.path) &&
      (await keyWith({ ...parts, path: `${parts.path}-other` })) !== primary);
  if (!path) parts = { ...parts, path: encodeURI(pattern) };
  return {
    request: toRequest(parts),
    path,
    param: (name) => path || reads.params.has(name),
    variable: (name) => reads.variables.has(name),
    validated: (target, member) => reads.validated.has(`${target} ${member}`),
    halfNamed,
    tenant: (tenant) => tenantIn(primary) === tenant,
    isStable: isSameKey && runs <= MAX_RUNS,
  };
}

/** What a run of a key function has read. */
interface Reads {
  url: boolean;
  path: boolean;
  /** All fields were listed. */
  list: boolean;
  readonly fields: Set<string>;
  readonly cf: Set<string>;
  readonly params: Set<string>;
  readonly variables: Set<string>;
  /** Targets of validators with the member that was read. */
  readonly validated: Set<string>;
}

const newReads = (): Reads => ({
  url: false,
  path: false,
  list: false,
  fields: new Set(),
  cf: new Set(),
  params: new Set(),
  variables: new Set(),
  validated: new Set(),
});

/** Runs the function once, with a context that records what is read. */
async function recordRun(
  c: HonoContext<StrataEnv>,
  keyOf: KeyFunction,
  reads: Reads,
): Promise<string> {
  const { req } = c;
  const { raw, path } = req;
  const { cf } = raw;
  const variables = c.var;
  const copy = createHandlerRequest(raw.url, new Headers(raw.headers), cf);
  const members = cf && recordMembers(cf, (name) => reads.cf.add(name));
  const fields = recordFields(
    raw.headers,
    (name) => reads.fields.add(name),
    () => {
      reads.list = true;
    },
  );
  overrideMembers(copy, {
    url: {
      get() {
        reads.url = true;
        return raw.url;
      },
    },
    headers: { value: fields },
    cf: { value: members },
  });
  const param = req.param.bind(req) as (name?: string) => unknown;
  const valid = req.valid.bind(req) as (target: string) => unknown;
  const restoreRequest = overrideMembers(req, {
    raw: { value: copy, writable: true },
    path: {
      get() {
        reads.path = true;
        return path;
      },
    },
    param: {
      value(name?: string) {
        if (name === undefined)
          return recordMembers(param() as object, (each) => reads.params.add(each));
        reads.params.add(name);
        return param(name);
      },
    },
    valid: {
      value(target: string) {
        const value = valid(target);
        if (!isPlainObject(value)) reads.validated.add(`${target} *`);
        return isPlainObject(value)
          ? recordMembers(value, (member) => reads.validated.add(`${target} ${member}`))
          : value;
      },
    },
  });
  const restoreContext = overrideMembers(c, {
    get: {
      value(name: string) {
        reads.variables.add(name);
        return (variables as Readonly<Record<string, unknown>>)[name];
      },
    },
    var: { value: recordMembers(variables, (name) => reads.variables.add(name)) },
  });
  try {
    return await keyOf(c);
  } finally {
    restoreContext();
    restoreRequest();
  }
}

/** Whether the value is an object without behaviour of its own, whose members can be recorded. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function partsRead(request: Request, reads: Reads): Parts {
  const { origin, pathname, search } = new URL(request.url);
  const named = reads.list ? [...request.headers.keys()] : [...reads.fields];
  const fields = pickFields(request.headers, [...NEGOTIATED_FIELDS, ...named]);
  const cookies = splitCookies(fields.get("cookie"));
  fields.delete("cookie");
  return {
    origin: reads.url ? origin : UNKEYED_ORIGIN,
    path: pathname,
    pairs: reads.url ? search.slice(1).split("&").filter(Boolean) : [],
    fields: new Map(fields),
    cookies,
  };
}

/** The steps that each leave one part out. */
function smallerParts({ origin, pairs, fields, cookies }: Parts): ((parts: Parts) => Parts)[] {
  const names = [...fields.keys()].filter((name) => !NEGOTIATED_FIELDS.includes(name));
  return [
    ...(origin === UNKEYED_ORIGIN
      ? []
      : [(parts: Parts) => ({ ...parts, origin: UNKEYED_ORIGIN })]),
    // From the last to the first, because functions read the first of several values.
    ...pairs
      .map((pair) => (parts: Parts) => ({ ...parts, pairs: withoutLast(parts.pairs, pair) }))
      .toReversed(),
    ...names.map((name) => (parts: Parts) => ({
      ...parts,
      fields: new Map([...parts.fields].filter(([each]) => each !== name)),
    })),
    ...cookies
      .map((pair) => (parts: Parts) => ({ ...parts, cookies: withoutLast(parts.cookies, pair) }))
      .toReversed(),
  ];
}

function withoutLast(texts: readonly string[], text: string): readonly string[] {
  return texts.toSpliced(texts.lastIndexOf(text), 1);
}

/** The credentials among the parts, each with the parts without it, and with another value of it. */
function credentialsIn(
  parts: Parts,
): (readonly [field: string, removed: Parts, altered: Parts, value: string])[] {
  const { fields, cookies } = parts;
  return [
    ...cookies.map((pair, at) => {
      const removed = { ...parts, cookies: cookies.toSpliced(at, 1) };
      const altered = { ...parts, cookies: cookies.with(at, otherValueOf(pair)) };
      return ["cookie", removed, altered, pair.slice(pair.indexOf("=") + 1)] as const;
    }),
    ...[...fields].flatMap(([name, value]) => {
      if (!CREDENTIALS.has(name)) return [];
      const removed = {
        ...parts,
        fields: new Map([...fields].filter(([each]) => each !== name)),
      };
      const altered = { ...parts, fields: new Map(fields).set(name, otherValueOf(value)) };
      return [[name, removed, altered, value] as const];
    }),
  ];
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

function urlOf({ origin, path, pairs }: Parts): string {
  return `${origin}${path}${pairs.length === 0 ? "" : `?${pairs.join("&")}`}`;
}

function fieldsOf({ fields, cookies }: Parts): Headers {
  const headers = new Headers([...fields]);
  if (cookies.length > 0) headers.set("Cookie", cookies.join("; "));
  return headers;
}
