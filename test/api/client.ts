/** A client of the reference application in a new isolate and a new namespace. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createIsolate, type Isolate } from "../../src/api/isolate.ts";
import { dashboardRoutes } from "../../src/dashboard/routes.ts";
import { frontRoutes } from "../../src/front/routes.ts";
import type { VerifySignIn } from "../../src/api/services.ts";
import type { Bindings } from "../../src/index.ts";
import { uniqueNamespace } from "../support/isolate.ts";

export const ADMIN = { Authorization: `Bearer ${env.ADMIN_TOKEN}` };

export interface Client {
  readonly isolate: Isolate;
  /** Sends a request and waits for its background work. */
  send(path: string, init?: RequestInit): Promise<Response>;
  /** Sends JSON with the admin token. */
  write(method: string, path: string, body?: unknown): Promise<Response>;
}

const noQueue = () =>
  Promise.resolve({ paused: false, backlog: 0, oldestAt: undefined, deadLetters: 0 });

export function createClient(
  bindings: Partial<Bindings> = {},
  without: readonly (keyof Bindings)[] = [],
  verifySignIn?: VerifySignIn,
): Client {
  const all: Bindings = { ...env, STRATA_NAMESPACE: uniqueNamespace(), ...bindings };
  for (const name of without) delete all[name];
  const assets = all.ASSETS;
  const isolate = createIsolate(all, {
    createDashboard: ({ metrics }) =>
      assets &&
      ((guard) => dashboardRoutes({ assets, metrics, guard, unreachableForMs: 0, queue: noQueue })),
    front: assets && frontRoutes(assets),
    verifySignIn,
  });

  async function send(path: string, init: RequestInit = {}): Promise<Response> {
    const ctx = createExecutionContext();
    const request = new Request(`http://strata.test${path}`, init);
    const response = await isolate.app.fetch(request, env, ctx);
    // The body is read while its request runs: workerd cancels it afterwards.
    const body = await response.arrayBuffer();
    await waitOnExecutionContext(ctx);
    const hasBody = ![101, 204, 304].includes(response.status);
    return new Response(hasBody ? body : null, response);
  }

  return {
    isolate,
    send,
    write: (method, path, body) =>
      send(path, {
        method,
        headers: { ...ADMIN, ...(body !== undefined && { "Content-Type": "application/json" }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  };
}

/** A problem as clients see it. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly errors?: readonly { readonly field: string; readonly detail: string }[];
}

export async function problemOf(response: Response): Promise<ProblemBody> {
  if (response.headers.get("Content-Type") !== "application/problem+json")
    throw new Error(`not a problem: ${response.status} ${await response.text()}`);
  const body = await response.json<ProblemBody>();
  if (body.status !== response.status) throw new Error("the body has another status");
  return body;
}
