import type { Random } from "../../core/random.ts";
import type { Clock, Millis } from "../../core/time.ts";
import type { Endpoint, Signal } from "../settings.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface ExporterOptions {
  readonly endpoint: Endpoint;
  readonly signal: Signal;
  readonly fetch: Fetch;
  readonly now: Clock;
  readonly random: Random;
  readonly sleep: (ms: Millis) => Promise<void>;
  /** How many items a collector refused of an export that it took; by the body of its answer. */
  readonly rejectedOf: (answer: Uint8Array) => number;
}

/** `refused`: it will never be taken. `gave-up`: not within the timeout, or the budget. */
export type ExportOutcome = "ok" | "refused" | "gave-up";

export interface Exporter {
  /** Posts one export within its timeout, repeats included. Never rejects. */
  post(body: Uint8Array): Promise<{ readonly outcome: ExportOutcome; readonly rejected: number }>;
}

/** What the protocol calls retryable; nothing else is repeated. */
const RETRYABLE = new Set([429, 502, 503, 504]);
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 5_000;
/** Repeats this isolate may make at once, and how many exports that succeed earn another. */
const BUDGET = 5;
const EARNED = 0.2;

/** OTLP over HTTP: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
export function createExporter(options: ExporterOptions): Exporter {
  const { endpoint, fetch, now, random, sleep, rejectedOf } = options;
  const { url, headers, protocol, timeoutMs, gzip } = endpoint;
  let budget = BUDGET;

  async function send(body: Uint8Array, deadlineAt: number): Promise<Response | undefined> {
    const leftMs = deadlineAt - now();
    if (leftMs <= 0) return undefined;
    try {
      return await fetch(url, {
        method: "POST",
        redirect: "manual",
        headers: {
          ...headers,
          "Content-Type": protocol === "http/json" ? "application/json" : "application/x-protobuf",
          ...(gzip && { "Content-Encoding": "gzip" }),
        },
        body,
        signal: AbortSignal.timeout(leftMs),
      });
    } catch {
      return undefined;
    }
  }

  return {
    async post(plain) {
      const body = gzip ? await compress(plain) : plain;
      const deadlineAt = now() + timeoutMs;
      for (let attempt = 0; ; attempt++) {
        const response = await send(body, deadlineAt);
        if (response === undefined) return { outcome: "gave-up", rejected: 0 };
        const answer = await answerOf(response);
        if (response.ok) {
          budget = Math.min(BUDGET, budget + EARNED);
          return { outcome: "ok", rejected: rejectedIn(answer) };
        }
        if (!RETRYABLE.has(response.status)) return { outcome: "refused", rejected: 0 };
        const waitMs = waitOf(response, attempt);
        if (budget < 1 || now() + waitMs >= deadlineAt) return { outcome: "gave-up", rejected: 0 };
        budget--;
        await sleep(waitMs);
      }
    },
  };

  function waitOf(response: Response, attempt: number): Millis {
    const asked = Number(response.headers.get("Retry-After"));
    if (asked > 0) return asked * 1000;
    return random() * Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  }

  function rejectedIn(answer: Uint8Array): number {
    if (answer.byteLength === 0) return 0;
    try {
      return rejectedOf(answer);
    } catch {
      return 0;
    }
  }
}

/** Read to its end, so that the connection can be used again. */
async function answerOf(response: Response): Promise<Uint8Array> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch {
    return new Uint8Array();
  }
}

async function compress(body: Uint8Array): Promise<Uint8Array> {
  const stream = new Response(body).body?.pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream ?? null).arrayBuffer());
}
