/** Expectations that several checks share. */
import { expect } from "vitest";
import type { Proxy, Script, Scripted } from "./proxy.ts";

type Given = NonNullable<Scripted["headers"]>;
type Asking = Readonly<Record<string, string>>;

/** Expects that a response with `headers` answers a second request `after` seconds later, without the origin. */
export async function reused(
  proxy: Proxy,
  headers: Given,
  { after = 0, status = 200, asking = {}, again = asking }: ReuseOptions = {},
): Promise<void> {
  proxy.answers({ status, headers });
  const first = await proxy.get(asking);
  proxy.advance(after);
  const second = await proxy.get(again);
  expect(proxy.seen.length, "requests at the origin").toBe(1);
  expect(second.body).toBe(first.body);
  expect(second.status).toBe(status);
  expect(second.headers.get("Age")).toMatch(/^\d+$/);
}

/** Expects that a second request `after` seconds later reaches the origin, although a response with `headers` came first. */
export async function notReused(
  proxy: Proxy,
  headers: Given,
  { after = 0, status = 200, asking = {}, again = asking }: ReuseOptions = {},
): Promise<void> {
  proxy.answers({ status, headers });
  await proxy.get(asking);
  proxy.advance(after);
  await proxy.get(again);
  expect(proxy.seen.length, "requests at the origin").toBe(2);
}

export interface ReuseOptions {
  readonly after?: number;
  readonly status?: number;
  readonly asking?: Asking;
  readonly again?: Asking;
}

/** Stores a response, waits until it is stale, and returns the response to the next request. */
export async function revalidated(
  proxy: Proxy,
  headers: Given,
  then: Script,
  asking: Asking = {},
): Promise<ReturnType<Proxy["get"]>> {
  proxy.answers({ headers: { "Cache-Control": "max-age=10", ...headers } }, then);
  await proxy.get();
  proxy.advance(11);
  return proxy.get(asking);
}
