/** Answers questions with an OpenAI-compatible model, through the cache. */
import type { CallLimits } from "../core/answers.ts";
import type { Breaker } from "../core/breaker.ts";
import type { Context } from "../core/context.ts";
import type { Lookup } from "../core/lookup.ts";
import { timeStep } from "../core/timed-step.ts";
import type { Answer, Ask } from "./ask.ts";
import type { ChatCall } from "./chat-call.ts";
import type { ChatInfo } from "./chat-stream.ts";
import type { JoinHost } from "./join-host.ts";
import { answerPolicies, LIFETIMES } from "./lifetimes.ts";
import { joinLocally, type LocalJoinOptions } from "./local-join.ts";
import type { AnswerRequest, JoinRequest } from "./open-answer.ts";
import { keyOfQuestion, normalQuestion, type ModelName, type Question } from "./question.ts";
import type { CallModel } from "./record-call.ts";

export interface ChatAnswersOptions {
  readonly ask: Ask;
  readonly model: ModelName;
  /** The breaker of the model. While it is open, no call begins. */
  readonly breaker: Breaker;
  readonly namespace: string;
  readonly limits: CallLimits;
  /** The tag of every answer of this deployment. */
  readonly deploymentTag: string | undefined;
  /** Undefined without the Durable Objects: then each isolate makes the calls of its own questions. */
  readonly joinHost: JoinHost | undefined;
  readonly callModel: (call: ChatCall) => CallModel<string, ChatInfo>;
  readonly local: LocalJoinOptions;
}

export type ChatAnswer = Answer<string, ChatInfo>;

export type AskChat = (
  question: Question,
  ctx: Context,
  onLookup: (lookup: Lookup) => void,
) => Promise<ChatAnswer>;

export function createChatAnswers(options: ChatAnswersOptions): AskChat {
  const { ask, model, breaker, namespace, limits, joinHost, callModel, local, deploymentTag } =
    options;
  const policies = answerPolicies(limits.firstMs);

  return async (given, ctx, onLookup) => {
    const question = normalQuestion(given);
    const { scope, messages, parameters = {}, tools = [] } = question;
    const key = await keyOfQuestion(question, model);
    const policy = policies[scope];
    const tags = [
      ...(question.tags ?? []),
      ...(deploymentTag === undefined ? [] : [deploymentTag]),
    ];
    const call: ChatCall = { model: model.model, messages, parameters, tools };

    const join: AnswerRequest<string, ChatInfo>["join"] = async (request: JoinRequest) => {
      const { after, mayStart, position } = request;
      const joinHere = () => joinLocally(local, { key, policy, tags }, callModel(call), request);
      if (joinHost === undefined) return joinHere();
      const { baseUrl } = model;
      const hosted = { key, namespace, after, mayStart, position, baseUrl, call, limits, tags };
      const joined = await timeStep(request.ctx, "flight", () =>
        joinHost({ ...hosted, policy: LIFETIMES[scope] }, request.ctx.region),
      );
      if (joined.ok)
        return { ok: true, value: joined.value && { ...joined.value, isHosted: true } };
      request.ctx.emit({ type: "fault.raise", fault: joined.fault });
      return joinHere();
    };

    const usageOf = ({ usage }: ChatInfo) => usage;
    return ask({ key, policy, tags, join, usageOf, breaker }, ctx, onLookup);
  };
}
