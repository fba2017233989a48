/**
 * Finds out which parts of a request a key function names. The function runs again, with a request
 * that records what is read. Of a text that has several parts (the URL, the cookies) each part is
 * then left out in turn: a part whose absence does not change the key is not named.
 */
import type { Context as HonoContext } from "hono";
import { routePath } from "hono/route";
import { tenantIn } from "../../core/key.ts";
import { interceptReads } from "./context-reads.ts";
import { newReads, recordReads, type KeyFunction } from "./key-reads.ts";
import { pickCf, type NamedParts } from "./named-parts.ts";
import { otherValueOf, otherVariable } from "./other-values.ts";
import { overrideMembers } from "./recorded-reads.ts";
import {
  isCredential,
  isNegotiated,
  PART_KINDS,
  partsRead,
  requestOf,
  valueOf,
  type Part,
} from "./request-parts.ts";
import type { StrataEnv } from "./request-scope.ts";

/** The most runs of a key function for one load. If it needs more, the response is private. */
const MAX_RUNS = 100;

/** Returns the parts of the request that the function names. `primary` is the key that it has made. */
export async function partsNamedByFunction(
  c: HonoContext<StrataEnv>,
  keyOf: KeyFunction,
  primary: string,
): Promise<NamedParts> {
  const reads = newReads();
  const isSameKey = (await recordReads(c, keyOf, reads)) === primary;
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
  for (const kind of PART_KINDS)
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
