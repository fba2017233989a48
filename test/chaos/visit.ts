import { request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { send, type Answer } from "../e2e/support/client.ts";

/** What a client does if the answer is late or bad. */
export interface Behaviour {
  /** The client sends the request again after a bad answer, at most this many times. Default 0. */
  readonly retries?: number;
  /** The client closes the connection after this time. Default 60 s. */
  readonly leavesAfterMs?: number;
  /** The client reads the body this fast. Default: as fast as it comes. */
  readonly bytesPerSecond?: number;
}

/** One request of a client, and how its answer is judged. */
export interface Errand {
  readonly url: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Tests an answer with status 200 or 404, whether it is right. */
  readonly isRight?: (answer: Answer) => boolean;
  /** Receives each answer, of retries too. */
  readonly onAnswer?: (answer: Answer) => void;
  /** Runs when the client has ended, with or without an answer. */
  readonly onEnd?: () => void;
}

/**
 * How a visit ended: a right answer that is fresh, stale within its policy, or marked as possibly
 * old; 503 with Retry-After; the client left; anything else.
 */
export type Outcome = "fresh" | "stale" | "marked" | "shed" | "left" | "error";

/** A client that came, with its last answer. All times are milliseconds since the start of the drive. */
export interface Visit {
  readonly stream: string;
  /** When the client should have begun. Waiting times count from here. */
  readonly dueMs: number;
  /** How much later the driver began. */
  readonly lateMs: number;
  readonly ms: number;
  readonly outcome: Outcome;
  /** The HTTP requests that it took. */
  readonly requests: number;
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

const PATIENCE_MS = 60_000;
const FIRST_RETRY_MS = 100;

/** Makes the visit of one client. Resolves when it has its answer or has gone. */
export async function visit(
  errand: Errand,
  behaviour: Behaviour,
): Promise<Pick<Visit, "outcome" | "requests" | "status" | "headers">> {
  const signal = AbortSignal.timeout(behaviour.leavesAfterMs ?? PATIENCE_MS);
  let requests = 0;
  for (;;) {
    requests += 1;
    const answer = await attempt(errand, behaviour, signal);
    if (answer !== undefined) errand.onAnswer?.(answer);
    const outcome = signal.aborted ? "left" : outcomeOf(answer, errand);
    const bad = outcome === "shed" || outcome === "error";
    if (!bad || requests > (behaviour.retries ?? 0)) {
      errand.onEnd?.();
      return { outcome, requests, status: answer?.status, headers: answer?.headers ?? {} };
    }
    await pause(FIRST_RETRY_MS * 2 ** (requests - 1));
  }
}

async function attempt(
  errand: Errand,
  { bytesPerSecond }: Behaviour,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const { url, path, method = "GET", headers = {}, body } = errand;
  try {
    if (bytesPerSecond !== undefined)
      return await readSlowly(url + path, headers, bytesPerSecond, signal);
    const options = { method, headers, signal };
    return await send(url, path, body === undefined ? options : { ...options, body });
  } catch {
    return undefined;
  }
}

const MARKS = /;\s*(?:unreachable|unconfirmed|detail=stale-on-error)\b/;

/** Tests whether an answer says that it may be older than the coherence bound. */
export function isMarkedAnswer({ headers }: Answer): boolean {
  return MARKS.test(headers["cache-status"] ?? "");
}

function outcomeOf(answer: Answer | undefined, { isRight }: Errand): Outcome {
  if (answer === undefined) return "error";
  const { status, headers } = answer;
  if (status === 503 && /^[1-9]\d*$/.test(headers["retry-after"] ?? "")) return "shed";
  const right = isRight === undefined ? status < 300 : isRight(answer);
  if (!right) return "error";
  if (isMarkedAnswer(answer)) return "marked";
  return headers["x-cache-status"] === "STALE" ? "stale" : "fresh";
}

const SIPS_PER_SECOND = 5;

function readSlowly(
  url: string,
  headers: Readonly<Record<string, string>>,
  bytesPerSecond: number,
  signal: AbortSignal,
): Promise<Answer> {
  const startedAt = Date.now();
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { headers, signal, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      const sip = Math.ceil(bytesPerSecond / SIPS_PER_SECOND);
      const timer = setInterval(() => {
        const chunk = (incoming.read(Math.min(sip, Math.max(1, incoming.readableLength))) ??
          undefined) as Buffer | undefined;
        if (chunk !== undefined) chunks.push(chunk);
      }, 1_000 / SIPS_PER_SECOND);
      const stop = (): void => clearInterval(timer);
      incoming.once("error", (error) => (stop(), reject(error)));
      incoming.once("end", () => {
        stop();
        resolve({
          status: incoming.statusCode ?? 0,
          headers: Object.fromEntries(
            Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
          ),
          body: Buffer.concat(chunks).toString(),
          startedAt,
          endedAt: Date.now(),
        });
      });
    });
    outgoing.once("error", reject);
    outgoing.end();
  });
}
