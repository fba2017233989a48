/** The miss of an answer: joins the recording of its key, or begins the call of the model. */
import type { Batch, Feed, Joined, RecordingHead } from "../core/answers.ts";
import { outcomeOf, type Breaker } from "../core/breaker.ts";
import type { Context } from "../core/context.ts";
import { createEntry, type LogPosition, type StorableResult } from "../core/entry.ts";
import { originFaultOf } from "../core/faults.ts";
import { invalidationKeyOfTag } from "../core/invalidation-key.ts";
import type { Policy } from "../core/policy.ts";
import type { Result } from "../core/result.ts";
import type { Engine } from "../engine/engine.ts";
import { judge, type Judgement } from "../engine/judge.ts";
import { AnswerFault, answerFault } from "./answer-fault.ts";
import type { Places } from "./places.ts";

/** The part of a signal that says whether the reader still waits. */
type Signal = Pick<AbortSignal, "aborted">;

/** How one answer is looked up, joined and stored. */
export interface AnswerRequest<P, I> {
  readonly key: string;
  readonly policy: Policy;
  readonly tags: readonly string[];
  /** The breaker of the model. Undefined for a model of the AI SDK, of which the layer knows too little. */
  readonly breaker?: Breaker;
  /** Joins the recording of the key. Undefined if none runs and the reader may not begin one. */
  join(request: JoinRequest): Promise<Result<JoinedBy<P, I> | undefined>>;
  /** Returns the tokens of the answer, for the metrics. */
  usageOf(info: I): { readonly inputTokens: number; readonly outputTokens: number } | undefined;
}

export interface JoinRequest {
  readonly after: string | undefined;
  readonly mayStart: boolean;
  readonly position: LogPosition;
  readonly ctx: Context;
}

export interface JoinedBy<P, I> extends Joined<P, I> {
  /** Whether the recording is in a Durable Object, which stores the answer in Redis itself. */
  readonly isHosted: boolean;
}

/** An answer whose first frame has arrived. */
export interface Opened<P, I> {
  readonly head: RecordingHead;
  /** Whether the log could not be asked about a recording that another reader began: see `Lookup`. */
  readonly unreachable: boolean;
  readonly isHosted: boolean;
  readonly first: Batch<P, I>;
  readonly feed: Feed<P, I>;
  /** Gives back the place of the call, if this reader began it. */
  readonly leave: () => void;
}

/** Recordings that a reader joins in vain, because each began before an invalidation. */
const MAX_JOINS = 3;

/**
 * Opens an answer. A reader joins a recording only if an entry of its log position would be valid for the
 * reader. Otherwise the reader begins the next recording.
 *
 * @throws {AnswerFault} if no frame arrives, at once while the breaker of the model is open
 */
export async function openAnswer<P, I>(
  engine: Engine,
  calls: Places,
  request: AnswerRequest<P, I>,
  ctx: Context,
  signal: Signal,
): Promise<Opened<P, I>> {
  const admitted = request.breaker?.begin();
  if (admitted?.ok === false) throw new AnswerFault(admitted.fault);
  const leave = calls.take(request.key);
  try {
    const opened = await openAs(leave, engine, request, ctx, signal);
    admitted?.value.end(opened === undefined ? "ignored" : "answered");
    if (opened !== undefined) return opened;
  } catch (error) {
    leave?.();
    const cause = originFaultOf(error);
    // A fault of the answer object says nothing about the model.
    admitted?.value.end(cause.code.startsWith("origin.") ? outcomeOf(cause) : "ignored");
    throw error;
  }
  throw answerFault("origin.saturated", "too many calls of the model run", 1_000);
}

/** Opens an answer whose recording runs. Undefined if none runs that this reader may join. */
export function joinAnswer<P, I>(
  engine: Engine,
  request: AnswerRequest<P, I>,
  ctx: Context,
): Promise<Opened<P, I> | undefined> {
  return openAs(undefined, engine, request, ctx, { aborted: false });
}

/** `leave` gives back the place of the call. Without it the reader may not begin a call. */
async function openAs<P, I>(
  leave: (() => void) | undefined,
  engine: Engine,
  request: AnswerRequest<P, I>,
  ctx: Context,
  signal: Signal,
): Promise<Opened<P, I> | undefined> {
  const { key, policy } = request;
  const mayStart = leave !== undefined;
  const read = engine.beginRead(key, policy, ctx);
  let after: string | undefined;
  for (let joins = 0; joins < MAX_JOINS; joins++) {
    // The position is taken before the call, so that no invalidation during the call is missed.
    const position = engine.logPosition();
    const joined = await request.join({ after, mayStart, position, ctx });
    if (!joined.ok) throw new AnswerFault(joined.fault);
    if (joined.value === undefined) return undefined;
    const { head, feed, isHosted } = joined.value;
    const judged = head.started
      ? OWN
      : await judge(engine, entryOf(request, head), head.beganAt, read);
    if (judged?.freshness === "fresh") {
      if (!head.started) leave?.();
      const first = await firstBatch(feed, signal);
      const { unreachable } = judged;
      return { head, unreachable, isHosted, first, feed, leave: () => leave?.() };
    }
    feed.cancel();
    after = head.id;
  }
  throw answerFault("origin.unavailable", "the answer was invalidated while it was made", 1_000);
}

/** A call that this reader has begun itself needs no log. */
const OWN: Judgement = { freshness: "fresh", unreachable: false };

async function firstBatch<P, I>(feed: Feed<P, I>, signal: Signal): Promise<Batch<P, I>> {
  const first = await feed.next();
  // The client has got no bytes yet, so a stale answer can take the place of a cut one.
  if (first.end?.kind === "failed") throw new AnswerFault(first.end.fault);
  if (!signal.aborted) return first;
  feed.cancel();
  throw answerFault("origin.timeout", "the reader waits no longer");
}

const NOTHING_YET: StorableResult = {
  storable: true,
  kind: "value",
  body: "",
  etag: "",
  invalidationKeys: [],
};

/** The entry that the recording would become if it ended now. The log decides about it. */
function entryOf<P, I>(
  { key, policy, tags }: AnswerRequest<P, I>,
  { position, beganAt }: RecordingHead,
) {
  const result = { ...NOTHING_YET, invalidationKeys: tags.map(invalidationKeyOfTag) };
  const stamp = { ...position, startedAt: beganAt, storedAt: beganAt };
  return createEntry(key, policy, result, stamp, 0);
}
