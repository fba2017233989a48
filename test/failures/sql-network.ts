/** Answers requests to Postgres in place of the local services, and counts them. Other requests go through. */
import { env } from "cloudflare:workers";

const realFetch = globalThis.fetch;

/** `refuses`: as Neon answers when a quota is used up, without an SQLSTATE. */
export type SqlBehaviour = "works" | "fails" | "refuses" | "hangs";

const QUOTA = { message: "Your project has exceeded the compute time quota.", code: null };

export interface SqlNetwork {
  behaviour: SqlBehaviour;
  /** The text of each request to Postgres. */
  readonly sent: string[];
  /** The requests that are no probe of the breaker. */
  attempts(): number;
  probes(): number;
  restore(): void;
}

export function interceptSql(): SqlNetwork {
  const isProbe = (text: string): boolean => text.includes('"select 1"');
  const network: SqlNetwork = {
    behaviour: "works",
    sent: [],
    attempts: () => network.sent.filter((text) => !isProbe(text)).length,
    probes: () => network.sent.filter(isProbe).length,
    restore() {
      globalThis.fetch = realFetch;
    },
  };
  globalThis.fetch = async (input, init) => {
    if (typeof input !== "string" || input !== env.NEON_ENDPOINT) return realFetch(input, init);
    network.sent.push(typeof init?.body === "string" ? init.body : "");
    if (network.behaviour === "works") return realFetch(input, init);
    if (network.behaviour === "fails") return new Response("down", { status: 503 });
    if (network.behaviour === "refuses") return Response.json(QUOTA, { status: 400 });
    return new Promise((_resolve, reject) => {
      const { signal } = init ?? {};
      signal?.addEventListener("abort", () => reject(signal.reason as Error));
    });
  };
  return network;
}
