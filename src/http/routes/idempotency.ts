/** The middleware for the request field `Idempotency-Key`. */
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { toMillis, type Duration } from "../../core/duration.ts";
import {
  AlreadyWritten,
  type IdempotencyStore,
  type KeyedRequest,
  type KeysOfRequests,
  type StoredAnswer,
} from "../../core/idempotency.ts";
import { originFaultOf } from "../../core/faults.ts";
import { sha256, sha256Hex } from "../../core/sha256.ts";
import { problem } from "../cache/problem.ts";
import { replaceAnswer } from "./answer.ts";
import { createBodyReader } from "./body-reader.ts";
import type { StrataEnv } from "./request-scope.ts";

/** The options of `strata.idempotent`. */
export interface IdempotencyOptions {
  /** Whether a request without a key is refused with 400. Default: false, the request then runs without one. */
  readonly required?: boolean;
  /**
   * Returns a text that tells callers apart: two callers may use the same key. Default: the
   * credentials of the request (Authorization, X-API-Key), or the client's address if it has none.
   */
  readonly caller?: (c: HonoContext<StrataEnv>) => string;
  /**
   * How long a request may run. After this time another request with the key runs, if the first one
   * has made no change. Default: "1m".
   */
  readonly timeout?: Duration;
  /** The largest body of a request, in bytes. Default: 65536. */
  readonly maxBodyBytes?: number;
}

/** Makes the middleware of a route. */
export type Idempotent = (options?: IdempotencyOptions) => MiddlewareHandler<StrataEnv>;

export interface IdempotencyParts {
  readonly store: IdempotencyStore;
  readonly keys: KeysOfRequests;
  /** The request field with the address of the client. */
  readonly addressHeader: string;
}

/** A larger body of an answer is not stored. A repetition then learns that the request was done. */
const MAX_ANSWER_BYTES = 256 * 1024;
const DEFAULT_MAX_BODY_BYTES = 64 * 1024;
/**
 * The bodies of requests that an isolate reads at a time have half of these bytes together, and the copies of answers the
 * other half: a client that sends slowly loses no answer of another one.
 */
export const MAX_BYTES_AT_ONCE = 2 ** 20;

const readBody = createBodyReader(MAX_BYTES_AT_ONCE / 2);
const readAnswer = createBodyReader(MAX_BYTES_AT_ONCE / 2);

/** A quoted string (RFC 8941), as the draft demands, or the bare text that most clients send. */
const KEY = /^(?:"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255}))$/;
/** Fields of an answer that are not stored. A cookie belongs to one answer. */
const UNSTORED = new Set(["set-cookie", "content-length"]);

/**
 * Creates `strata.idempotent`.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export function createIdempotent({ store, keys, addressHeader }: IdempotencyParts): Idempotent {
  const callerOf = (c: HonoContext<StrataEnv>): string =>
    JSON.stringify(
      ["Authorization", "X-API-Key"].some((name) => c.req.header(name) !== undefined)
        ? [c.req.header("Authorization"), c.req.header("X-API-Key")]
        : [c.req.header(addressHeader)],
    );

  return (options = {}) => {
    const { required = false, caller = callerOf, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options;
    const timeoutMs = toMillis(options.timeout ?? "1m", "timeout");

    return async (c, next) => {
      const field = c.req.header("Idempotency-Key");
      if (field === undefined) return required ? missingKey() : next();
      const [, quoted, bare] = KEY.exec(field.trim()) ?? [];
      const key = quoted ?? bare;
      if (key === undefined) return malformedKey();
      const { raw } = c.req;
      const body = await readBody(raw.body, maxBodyBytes).catch(clientClosed);
      if (body instanceof Response) return body;
      if (body === "too-large") return tooLarge(maxBodyBytes);
      if (body === "given-up") return tooMany();
      // oxlint-disable-next-line unicorn/no-invalid-fetch-options -- a request with a body has another method than GET
      if (raw.body !== null) c.req.raw = new Request(raw, { body });
      const { method, path, url } = c.req;
      const scope = [caller(c), method, path, key];
      const request: KeyedRequest = {
        id: await sha256Hex(JSON.stringify(scope)),
        fingerprint: await fingerprintOf(c.req.header("Content-Type"), new URL(url).search, body),
      };
      const claim = await store.claim(request, timeoutMs);
      if (claim.state === "answered") return replay(claim.answer);
      if (claim.state !== "new") return refusalOf(claim.state);
      const { ctx } = c.var.strata;
      keys.set(ctx, request.id);
      await next();
      keys.take(ctx);
      if (c.error instanceof AlreadyWritten) replaceAnswer(c, refusalOf("answer-lost"));
      // A failure is not stored, so that the client may try again. If it made a change, the key shows it.
      const isFinal = c.res.status < 500 && !(c.error instanceof AlreadyWritten);
      const ending = isFinal
        ? storableAnswer(c).then((answer) => store.answer(request, claim.token, answer))
        : store.release(request, claim.token);
      await ending.catch((error: unknown) =>
        ctx.emit({ type: "fault.raise", fault: originFaultOf(error) }),
      );
      return undefined;
    };
  };
}

async function fingerprintOf(
  contentType: string | undefined,
  search: string,
  body: Uint8Array,
): Promise<string> {
  const head = new TextEncoder().encode(JSON.stringify([contentType ?? "", search]));
  const whole = new Uint8Array(head.length + body.length);
  whole.set(head);
  whole.set(body, head.length);
  const digest = await sha256(whole);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Returns the answer of the handler as it is stored. Outer middleware adds its fields later. */
async function storableAnswer({ res }: HonoContext<StrataEnv>): Promise<StoredAnswer> {
  const body = await readAnswer(res.clone().body, MAX_ANSWER_BYTES);
  return {
    status: res.status,
    headers: [...res.headers].filter(([name]) => !UNSTORED.has(name)),
    body: typeof body === "string" ? undefined : body,
  };
}

/** Makes the answer to a repetition. It says that it is one. */
function replay({ status, headers, body }: StoredAnswer): Response {
  if (body === undefined) return refusalOf("answer-lost");
  const isEmpty = body.length === 0;
  return new Response(isEmpty ? null : body, {
    status,
    headers: [...headers.map(([name, value]): [string, string] => [name, value]), REPLAYED],
  });
}

const REPLAYED: [string, string] = ["Idempotency-Replayed", "true"];

const REFUSALS = {
  "in-progress": {
    type: "idempotency-key-in-progress",
    title: "Request In Progress",
    detail: "A request with this Idempotency-Key is running. Send it again later.",
    headers: { "Retry-After": "1" },
  },
  "other-body": {
    type: "idempotency-key-reused",
    title: "Idempotency Key Reused",
    detail: "This Idempotency-Key was sent with another body. Use a new key for another request.",
  },
  "answer-lost": {
    type: "idempotency-answer-lost",
    title: "Answer Lost",
    detail:
      "The request with this Idempotency-Key was carried out, and its answer is not stored. Read what it changed.",
  },
} as const;

function refusalOf(state: keyof typeof REFUSALS): Response {
  return problem({ status: 409, ...REFUSALS[state] });
}

function missingKey(): Response {
  return problem({
    status: 400,
    type: "idempotency-key-missing",
    title: "Idempotency Key Missing",
    detail: "This route needs the field Idempotency-Key.",
  });
}

function malformedKey(): Response {
  return problem({
    status: 400,
    type: "idempotency-key-malformed",
    title: "Idempotency Key Malformed",
    detail: "Idempotency-Key must have 1 to 255 visible ASCII characters.",
  });
}

function tooLarge(maxBytes: number): Response {
  return problem({
    status: 413,
    type: "body-too-large",
    title: "Content Too Large",
    detail: `A body has at most ${maxBytes} bytes.`,
  });
}

function tooMany(): Response {
  return problem({
    status: 503,
    type: "too-many-bodies",
    title: "Too Many Bodies",
    detail: "The body took long to arrive, and the bodies of other requests needed its room.",
    headers: { "Retry-After": "1" },
  });
}

/** The client does not receive this answer, but telemetry counts its status. */
function clientClosed(): Response {
  return problem({
    status: 499,
    type: "client-closed",
    title: "Client Closed Request",
    detail: "The client closed the connection before it had sent the whole body.",
  });
}
