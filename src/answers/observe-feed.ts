/** Observes an answer while its reader reads it: counts it, and keeps a whole one. */
import type { Batch, Feed, Frame, RecordingHead } from "../core/answers.ts";
import type { Context } from "../core/context.ts";
import type { AnswerSource } from "../core/service-events.ts";
import type { Policy } from "../core/policy.ts";
import type { Engine } from "../engine/engine.ts";
import type { AnswerRequest } from "./open-answer.ts";
import { storableAnswer } from "./stored-answer.ts";

export interface ObserveOptions<P, I> {
  /** Undefined if the first batch is the whole answer. */
  readonly feed?: Feed<P, I>;
  readonly first: Batch<P, I>;
  readonly request: Pick<AnswerRequest<P, I>, "key" | "usageOf">;
  readonly ctx: Context;
  readonly source: AnswerSource;
  /** Gets all frames of an answer that may be stored. */
  readonly onWhole?: (frames: readonly Frame<P>[], info: I) => void;
  /**
   * Whether the rest is read when the reader leaves. The reader that began a call counts what it cost, and
   * the isolate gives the place of the call back when the call is over.
   */
  readonly readsOn: boolean;
  /** Called once, when the reader has read the end or has left. */
  readonly onReader: () => void;
  /** Called once, when the end has been read or nothing more is read. */
  readonly onEnd: () => void;
}

/** Returns the feed of an answer whose first batch has been read. */
export function observeFeed<P, I>(options: ObserveOptions<P, I>): Feed<P, I> {
  const { feed, first, request, ctx, source, onWhole, onReader, onEnd, readsOn } = options;
  const frames: Frame<P>[] = [];
  let next: Batch<P, I> | undefined = first;
  let isOver = false;
  let hasLeft = false;

  function end(outcome: "whole" | "unstorable" | "cut" | "left", info?: I): void {
    if (isOver) return;
    isOver = true;
    const usage = info === undefined ? undefined : request.usageOf(info);
    const { inputTokens = 0, outputTokens = 0 } = usage ?? {};
    ctx.emit({ type: "answer.end", source, outcome, inputTokens, outputTokens });
    if (!hasLeft) onReader();
    onEnd();
  }

  /** Reads what the reader has left. The platform ends this work after 30 s. */
  async function readOn(): Promise<void> {
    while (!isOver) await observed.next();
  }

  const observed: Feed<P, I> = {
    async next() {
      const batch = next ?? (await (feed as Feed<P, I>).next());
      next = undefined;
      if (onWhole !== undefined) frames.push(...batch.frames);
      if (batch.end?.kind === "failed") {
        ctx.emit({ type: "fault.raise", fault: batch.end.fault });
        end("cut");
      } else if (batch.end !== undefined) {
        const { storable, info } = batch.end;
        if (storable) onWhole?.(frames, info);
        end(storable ? "whole" : "unstorable", info);
      }
      return batch;
    },
    cancel() {
      if (isOver || hasLeft) return;
      if (!readsOn) {
        feed?.cancel();
        return end("left");
      }
      hasLeft = true;
      onReader();
      ctx.defer(readOn());
    },
  };
  return observed;
}

/**
 * Returns the function that keeps an answer in memory and the edge of this isolate. Redis has it from the
 * Durable Object. An answer whose log position an invalidation has passed is not kept.
 */
export function putLocally<P, I>(
  engine: Engine,
  { key, policy, tags }: AnswerRequest<P, I>,
  { position, beganAt }: RecordingHead,
  ctx: Context,
): (frames: readonly Frame<P>[], info: I) => void {
  const local: Policy = { ...policy, tiers: new Set(["memory", "edge"] as const) };
  return (frames, info) => {
    ctx.defer(
      storableAnswer(key, frames, info, tags).then((result) => {
        const stamp = { ...position, startedAt: beganAt, storedAt: ctx.now() };
        engine.put(key, local, result, stamp, ctx);
      }),
    );
  };
}
