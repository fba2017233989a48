import type { Random } from "../../core/random.ts";
import type { Clock, Millis } from "../../core/time.ts";
import type { Endpoint } from "../settings.ts";
import { readRetryAfter } from "./retry-after.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The functions of the platform that an exporter uses. */
export interface ExportPlatform {
  readonly fetch: Fetch;
  readonly now: Clock;
  readonly random: Random;
  readonly sleep: (ms: Millis) => Promise<void>;
}

export interface ExporterOptions extends ExportPlatform {
  readonly endpoint: Endpoint;
  /** Reads from the body of a 2xx answer how many items the collector rejected. */
  readonly rejectedOf: (answer: Uint8Array) => Promise<number>;
}

/**
 * `refused`: the collector answered that a retry is of no use. `gave-up`: the time limit was
 * reached, or no retry was left.
 */
export type ExportOutcome = "ok" | "refused" | "gave-up";

export interface Exporter {
  /** Posts one export, with retries, within the endpoint's timeout. Never rejects. */
  post(body: Uint8Array): Promise<{ readonly outcome: ExportOutcome; readonly rejected: number }>;
}

/** The status codes after which OTLP allows a retry. */
const RETRYABLE = new Set([429, 502, 503, 504]);
/** An export is sent once more after its connection broke. */
const MAX_BREAKS = 1;
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 5_000;
/** The most retries that an exporter may save up. Each retry uses one; five exports that succeed earn one more. */
const RETRY_BUDGET = 5;
const EARNED_PER_EXPORT = 0.2;

/** Creates the exporter, which sends OTLP over HTTP: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
export function createExporter(options: ExporterOptions): Exporter {
  const { endpoint, fetch, now, random, sleep, rejectedOf } = options;
  const { url, headers, protocol, timeoutMs, gzip } = endpoint;
  let budget = RETRY_BUDGET;

  /** Returns undefined if the connection broke, or the time limit was reached. */
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
      let breaks = 0;
      for (let attempt = 0; ; attempt++) {
        const response = await send(body, deadlineAt);
        if (response === undefined) breaks++;
        else {
          const answer = await bodyOf(response);
          if (response.ok) {
            budget = Math.min(RETRY_BUDGET, budget + EARNED_PER_EXPORT);
            return { outcome: "ok", rejected: await rejectedIn(answer) };
          }
          if (!RETRYABLE.has(response.status)) return { outcome: "refused", rejected: 0 };
        }
        const waitMs = retryDelayMs(response, attempt);
        const isLate = now() + waitMs >= deadlineAt;
        if (breaks > MAX_BREAKS || budget < 1 || isLate) return { outcome: "gave-up", rejected: 0 };
        budget--;
        await sleep(waitMs);
      }
    },
  };

  function retryDelayMs(response: Response | undefined, attempt: number): Millis {
    const asked = readRetryAfter(response?.headers.get("Retry-After") ?? null, now());
    return asked ?? random() * Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  }

  async function rejectedIn(answer: Uint8Array): Promise<number> {
    if (answer.byteLength === 0) return 0;
    try {
      return await rejectedOf(answer);
    } catch {
      return 0;
    }
  }
}

/** Reads a body to its end, so that the connection can be used again. */
async function bodyOf(response: Response): Promise<Uint8Array> {
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
