/** Records what a key function reads. */
import type { Context as HonoContext } from "hono";
import { interceptReads } from "./context-reads.ts";
import { createHandlerRequest } from "./named-parts.ts";
import { isPlainObject, overrideMembers, recordFields, recordMembers } from "./recorded-reads.ts";
import type { StrataEnv } from "./request-scope.ts";

/** Makes the key of a request: the same one each time, since it also runs to find out what it reads. */
export type KeyFunction = (c: HonoContext<StrataEnv>) => string | Promise<string>;

/** The parts of a request that a run of a key function has read. */
export interface Reads {
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

export const newReads = (): Reads => ({
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

/** Runs the function once, with a context that records what is read. Returns its key. */
export async function recordReads(
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
