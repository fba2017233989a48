/** Joins a recording that this isolate holds, and begins its call in this isolate. */
import type { CallLimits } from "../core/answers.ts";
import type { Result } from "../core/result.ts";
import type { Engine } from "../engine/engine.ts";
import { isStorable } from "./answer-host.ts";
import type { AnswerRequest, JoinedBy, JoinRequest } from "./open-answer.ts";
import { recordCall, type After, type CallModel } from "./record-call.ts";
import type { Recording } from "./recording.ts";
import type { Recordings } from "./recordings.ts";
import { storableAnswer } from "./stored-answer.ts";

export interface LocalJoinOptions {
  readonly recordings: Recordings;
  readonly engine: Engine;
  readonly after: After;
  readonly limits: CallLimits;
}

/**
 * `signal` says when this reader leaves. The call ends with the last reader, and goes on while a reader without a signal
 * is there. The platform ends work of a request 30 s after its client has left, and a longer call with it.
 */
export function joinLocally<P, I>(
  options: LocalJoinOptions,
  answer: Pick<AnswerRequest<P, I>, "key" | "policy" | "tags">,
  callModel: CallModel<P, I>,
  { after, mayStart, position, ctx }: JoinRequest,
  signal?: AbortSignal,
): Result<JoinedBy<P, I> | undefined> {
  const { recordings, engine, limits } = options;
  const { key, policy, tags } = answer;

  async function begin(recording: Recording<P, I>): Promise<void> {
    await recordCall(recording, callModel, limits, options.after);
    const { frames, end } = recording.since(0);
    if (!isStorable(end)) return;
    const result = await storableAnswer(key, frames, end.info, tags);
    const stamp = { ...position, startedAt: recording.beganAt, storedAt: ctx.now() };
    engine.put(key, policy, result, stamp, ctx);
  }

  const joined = recordings.join<P, I>({
    key,
    after,
    position,
    mayStart,
    maxChars: limits.maxChars,
    maxMs: limits.totalMs,
    begin(recording) {
      const work = begin(recording);
      // The call goes on if the client that caused it leaves.
      ctx.defer(work);
      return work.catch(() => undefined);
    },
  });
  joined?.readers.add(signal);
  return { ok: true, value: joined && { ...joined, isHosted: false } };
}
