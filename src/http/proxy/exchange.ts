/** One request's dealings with the origin: what it asks, what becomes of the answer. */
import type { Entry, LoadResult, StorableResult, Variant } from "../../core/entry.ts";
import { CacheUnavailable, fault } from "../../core/faults.ts";
import type { Policy } from "../../core/policy.ts";
import type { Context } from "../../core/context.ts";
import type { EpochMs } from "../../core/time.ts";
import type { Engine } from "../../engine/lookup.ts";
import type { Forwarded } from "../cache/cache-status.ts";
import {
  decideStorage,
  entryMaterial,
  NOT_STORED,
  unstorable,
  UNCACHEABLE,
  type StorageDecision,
} from "../cache/cacheable-response.ts";
import { readerOf } from "../rfc/field-reader.ts";
import { standsInFor, type KeepLimits } from "../rfc/lifetimes.ts";
import { parseContentRange, type Part } from "../rfc/range.ts";
import type { RequestControl } from "../rfc/request-control.ts";
import { controlOf } from "../rfc/response-control.ts";
import { privateFields, updateFields } from "../rfc/stored-fields.ts";
import { confirms, describesStored } from "../rfc/validation.ts";
import { bytesOf, textOf } from "../cache/text-bytes.ts";
import { storeVariant, lookUpStored, type VariantTarget } from "../cache/store-variant.ts";
import { variantTags } from "../cache/variants.ts";
import { rawResponse } from "./body.ts";
import { collect, relay } from "./collect-body.ts";
import type { Forward, Received } from "./forward.ts";
import { continues, joined, OF_THE_PART } from "./partial-content.ts";
import { isConditional, planOf, unconditional, type Plan } from "./origin-request.ts";

export interface ExchangeOptions {
  readonly engine: Engine;
  readonly policy: Policy;
  readonly forward: Forward;
  readonly limits: KeepLimits;
  readonly maxBodyBytes: number;
}

export interface Asked {
  readonly request: Request;
  readonly url: URL;
  /** Names the cache groups of this origin. */
  readonly scope: string;
  readonly primary: string;
  /** The client's fields as the origin is to see them. */
  readonly forwarded: () => Headers;
  readonly demands: RequestControl;
  readonly ctx: Context;
}

/** What the load of one lookup has left for the request that caused it. */
export interface Own {
  /** For this client alone. */
  response?: Response;
  /** For this client, though it is stored under another key than the one that was looked up. */
  entry?: Entry;
  /** Fields of the origin's answer that are for this client alone, beside what is stored. */
  fields?: readonly (readonly [name: string, value: string])[];
  forwarded?: Forwarded;
  /** Resolves with a response whose body is still under way. */
  readonly early?: PromiseWithResolvers<Response>;
  settled: () => Promise<unknown>;
}

/** For a load that runs for nobody. */
export function createUnattended(): Own {
  return { settled: () => Promise.resolve() };
}

/** Loads `key` from the origin, for `asked`. `known`: the variants that the list had. */
export async function loadFrom(
  options: ExchangeOptions,
  asked: Asked,
  key: string,
  known: readonly Variant[],
  held: Entry | undefined,
  own: Own,
): Promise<LoadResult> {
  const { engine, policy, forward, limits, maxBodyBytes } = options;
  const { request, url, scope, primary, demands, ctx } = asked;
  const began = { ...engine.logPosition(), startedAt: ctx.now() };
  const place: VariantTarget = {
    engine,
    policy,
    ctx,
    primary,
    key,
    known,
    request: asked.forwarded(),
  };
  const fwd = reasonOf(held, known, ctx.now());

  async function ask(plan: Plan, entry: Entry | undefined): Promise<LoadResult> {
    const received = await forward(url, { method: request.method, headers: plan.headers });
    own.forwarded = { fwd, status: received.status };
    // RFC 9110, 15.4.5: it answers a condition, and there was none.
    if (received.status === 304 && !isConditional(plan))
      throw new CacheUnavailable(fault("origin.unavailable", "answered 304 to no condition"));
    if (received.status === 304 && plan.kind !== "plain") {
      const confirmed = await confirmedBy(received, plan, entry);
      if (confirmed !== undefined) return freshen(confirmed, received);
      return askAnew(received);
    }
    if (request.method === "HEAD") return afterHead(received, entry);
    if (plan.kind === "complete" && received.status === 206 && !continues(entry, received.headers))
      return askAnew(received);
    if (entry !== undefined && mayStandIn(entry, received.status)) {
      own.response = relay(received);
      throw new CacheUnavailable(fault("origin.unavailable", `answered ${received.status}`));
    }
    return take(received, plan, entry);
  }

  /** Keeps a new response if the rules let it, or hands it on. */
  async function take(
    received: Received,
    plan: Plan,
    entry: Entry | undefined,
  ): Promise<LoadResult> {
    const verdict = judge(received, received.status, received.headers);
    const part =
      received.status === 206
        ? parseContentRange(received.headers.get("Content-Range"))
        : undefined;
    const unusable = received.status === 206 && part === undefined;
    if (verdict.storing !== "store" || unusable) {
      // It is the end of what the client has asked for, and no answer by itself (3.3).
      if (plan.kind === "complete" && received.status === 206) return askAnew(received);
      own.response = relay(received);
      return unusable ? NOT_STORED : unstorable(verdict.storing, request.headers);
    }
    own.forwarded = { fwd, status: received.status, stored: true };
    own.fields = privateFields(received.headers, verdict.control);
    const bytes = await collect(received, {
      limit: maxBodyBytes,
      ctx,
      early: plan.kind === "complete" ? undefined : own.early?.resolve,
      settled: () => own.settled(),
    });
    if (bytes === undefined) return UNCACHEABLE;
    if (part !== undefined) return takePart(received, verdict, part, bytes, plan, entry);
    return keep(entryMaterial(verdict, received.status, textOf(bytes) ?? bytes));
  }

  /** Keeps a part, joined with the one that is stored if they are of the same thing (3.4). */
  async function takePart(
    received: Received,
    verdict: StorageDecision,
    part: Part,
    bytes: Uint8Array,
    plan: Plan,
    entry: Entry | undefined,
  ): Promise<LoadResult> {
    const short = bytes.byteLength !== part.last - part.first + 1;
    if (plan.kind === "complete" && short) return askAnew(received);
    // What the origin chose to send is this client's answer, whatever is made of it.
    if (plan.kind !== "complete") own.response = rawResponse(bytes, 206, received.headers);
    if (short) return NOT_STORED;
    const whole = joined(entry, { part, bytes, etag: received.headers.get("ETag") });
    const { part: held, bytes: body } = whole ?? { part, bytes };
    const complete = held.first === 0 && held.last === held.total - 1;
    // A part need not repeat what the other has (RFC 9110, 15.3.7): its fields update those (3.4).
    const all =
      whole === undefined ? verdict : updated(whole.entry, received, verdict, received.status);
    const fields = all.fields.filter(([name]) => !OF_THE_PART.includes(name));
    const made = entryMaterial(
      { ...all, fields },
      complete ? 200 : 206,
      body,
      complete ? {} : { part: held },
    );
    return keep(made);
  }

  /** What the rules say of a stored response with a newer answer's fields in the place of its own (3.2). */
  function updated(
    entry: Entry,
    received: Received,
    newer: StorageDecision,
    status: number,
  ): StorageDecision {
    const fields = updateFields(entry.http?.headers ?? [], newer.fields);
    // What the newer answer's Connection lists is not in it; what is stored under that name stays (3.1).
    return judge({ ...received, sent: new Headers() }, status, fields);
  }

  /** Without any condition: the answer to ours was of no use. */
  async function askAnew(received: Received): Promise<LoadResult> {
    await received.body?.cancel();
    return ask(unconditional(asked.forwarded()), undefined);
  }

  /** The stored response with the fields and times of a newer answer (3.2, 4.3.4). */
  async function freshen(entry: Entry, received: Received): Promise<LoadResult> {
    const status = entry.http?.status ?? 200;
    const newer = judge(received, status, received.headers);
    const verdict = updated(entry, received, newer, status);
    own.fields = privateFields(received.headers, newer.control);
    own.forwarded = { fwd, status: received.status, revalidated: true };
    const part = entry.http?.part;
    const made = entryMaterial(verdict, status, entry.body, part === undefined ? {} : { part });
    if (verdict.storing !== "store") {
      own.entry = { ...entry, ...(made.http && { http: made.http }), etag: made.etag };
      return NOT_STORED;
    }
    return keep(made);
  }

  /** 4.3.5: a 200 that describes the stored response updates it; another makes it stale. */
  async function afterHead(received: Received, entry: Entry | undefined): Promise<LoadResult> {
    if (entry === undefined || received.status !== 200 || entry.http?.status !== 200) {
      own.response = relay(received);
      return NOT_STORED;
    }
    const length = bytesOf(entry.body).byteLength;
    if (describesStored(received.headers, readerOf(entry.http.headers), length)) {
      const loaded = await freshen(entry, received);
      if (own.forwarded) own.forwarded = { fwd, status: received.status, stored: true };
      return loaded;
    }
    const now = ctx.now();
    const { kind, body, http, etag, invalidationKeys, asOf, era, storedAt, deleteAt } = entry;
    const lifetimes = { freshUntil: now, staleUntil: now, errorUntil: now, deleteAt };
    const made: StorableResult = {
      storable: true,
      kind,
      body,
      http,
      etag,
      invalidationKeys,
      lifetimes,
    };
    engine.put(entry.key, policy, made, { asOf, era, startedAt: storedAt, storedAt }, ctx);
    own.response = relay(received);
    return NOT_STORED;
  }

  /** The stored response that a 304 confirms. */
  async function confirmedBy(
    received: Received,
    plan: Plan,
    entry: Entry | undefined,
  ): Promise<Entry | undefined> {
    if (plan.kind === "validate" && entry !== undefined)
      return confirms(received.headers, readerOf(entry.http?.headers ?? [])) ? entry : undefined;
    const etag = received.headers.get("ETag");
    const variant = known.find((candidate) => candidate.etag === etag);
    if (plan.kind !== "select" || variant === undefined) return undefined;
    return lookUpStored(variant.key, place);
  }

  /** Stores under this key, or among the variants if the response is one (4.1). */
  async function keep(made: StorableResult): Promise<LoadResult> {
    const { loaded, entry } = await storeVariant(made, { ...began, storedAt: ctx.now() }, place);
    if (entry !== undefined) own.entry = entry;
    return loaded;
  }

  function judge(
    received: Received,
    status: number,
    fields: Iterable<readonly [string, string]>,
  ): StorageDecision {
    const { requestedAt, respondedAt, sent } = received;
    return decideStorage(
      request.headers,
      { status, sent, fields, requestedAt, respondedAt },
      scope,
      limits,
    );
  }

  function mayStandIn(entry: Entry, status: number): boolean {
    const control = controlOf(readerOf(entry.http?.headers ?? []));
    return standsInFor(status, control, demands.staleIfError, ctx.now() - entry.freshUntil);
  }

  // More than is kept cannot be completed here.
  const tooLong = (held?.http?.part?.total ?? 0) > maxBodyBytes;
  const useful = tooLong ? undefined : held;
  // A refresh is for everyone: what one client has already is no answer to it.
  const fields =
    own.early === undefined ? unconditional(asked.forwarded()).headers : asked.forwarded();
  return ask(planOf(request, fields, useful, variantTags(known)), useful);
}

/** Why the request goes to the origin, in the words of RFC 9211, 2.2. */
function reasonOf(
  held: Entry | undefined,
  known: readonly Variant[],
  now: EpochMs,
): Forwarded["fwd"] {
  if (held === undefined) return known.length > 0 ? "vary-miss" : "uri-miss";
  if (held.http?.part !== undefined) return "partial";
  return now < held.freshUntil ? "request" : "stale";
}
