/** The driver with the transport of this layer. Only `late-client.ts` imports this module, when it sends a query. */
import { neon, neonConfig } from "@neondatabase/serverless";
import { messageOf } from "../core/faults.ts";
import { originFault } from "./fault.ts";
import type { SqlServer } from "./sql-server.ts";

/** Creates a client of the driver. Each of its requests has a deadline. */
export function createNeonClient(server: SqlServer) {
  const installed = neonConfig.fetchFunction as (Fetch & { [LAYER]?: true }) | undefined;
  if (installed?.[LAYER] !== true) {
    fetchOfOthers = installed;
    neonConfig.fetchFunction = Object.assign(callTransport, { [LAYER]: true });
  }
  // The settings of the driver are global, so each client passes its own transport with every request.
  return neon(server.databaseUrl, { fetchOptions: { send: createTransport(server) } });
}

/** Marks the transport of a layer, also that of another copy of this module, which must not call this one. */
const LAYER = Symbol.for("strata.neon-transport");

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Sends the requests of clients that the application has made itself. Default: the platform's `fetch`. */
let fetchOfOthers: Fetch | undefined;

function callTransport(
  url: string,
  { send, ...init }: RequestInit & { send?: Fetch },
): Promise<Response> {
  return (send ?? fetchOfOthers ?? fetch)(url, init);
}

function createTransport({ neonEndpoint, timeoutMs }: SqlServer): Fetch {
  return async (url, init) => {
    let status: number;
    let text: string;
    try {
      const response = await fetch(neonEndpoint ?? url, {
        ...init,
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
      status = response.status;
      // The body is read inside this `try`, so that the deadline of the request covers it too.
      text = await response.text();
    } catch (error) {
      throw isTimeout(error)
        ? originFault("origin.timeout", `no answer within ${timeoutMs} ms`)
        : originFault("origin.unavailable", messageOf(error));
    }
    // The body of a response with status 400 is an error of Postgres, which the driver parses.
    if (status !== 200 && status !== 400) throw originFault("origin.unavailable", `HTTP ${status}`);
    return new Response(text, { status });
  };
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError");
}
