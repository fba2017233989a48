/** Builds the answers of a model in an isolate. */
import { createChatAnswers } from "../answers/chat-answers.ts";
import { createChatCall } from "../answers/chat-call.ts";
import { createJoinHost } from "../answers/join-host.ts";
import { createModelCache } from "../answers/language-model.ts";
import { createReply, type Answers, type ModelCache } from "../answers/reply.ts";
import type { Config } from "../config.ts";
import type { Bindings } from "../config/bindings.ts";
import type { ModelConfig } from "../config/model-variables.ts";
import type { Breaker } from "../core/breaker.ts";
import type { Lookup } from "../core/lookup.ts";
import { createAskHost } from "../durable/answer-port.ts";
import { answerStub } from "../durable/stubs.ts";
import type { Engine } from "../engine/engine.ts";
import { internalScopeOf } from "../http/routes/middleware.ts";
import { after, type Platform } from "../platform.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { cancelWith, composeLocalAnswers } from "./local-answers.ts";

type HonoContext = Parameters<typeof internalScopeOf>[0];

export interface ComposedAnswers {
  readonly answers: Answers<HonoContext> | undefined;
  readonly modelCache: ModelCache<HonoContext>;
}

/** Creates the answers of an isolate. `answers` is undefined without a model. */
export function composeAnswers(
  bindings: Bindings,
  config: Config,
  engine: Engine,
  breaker: Breaker,
  { now, newId, sleep }: Platform,
): ComposedAnswers {
  const { ask, local } = composeLocalAnswers(engine, config.settings.answers, { now, newId });
  const { limits } = local;

  function createAnswers(model: ModelConfig, objects: DurableObjectNamespace | undefined) {
    const { namespace, deployment } = config;
    const askHost = objects && createAskHost((name, region) => answerStub(objects, name, region));
    const askChat = createChatAnswers({
      ask,
      model,
      breaker,
      namespace,
      limits,
      deploymentTag: deployment === undefined ? undefined : `deployment:${deployment}`,
      joinHost: askHost && createJoinHost(askHost, now, withTimeout),
      callModel: (call) => createChatCall(model, call, (url, init) => fetch(url, init)),
      local,
    });
    const answers: Answers<HonoContext> = {
      async ask(c, question) {
        const { ctx, lookups } = internalScopeOf(c);
        const answer = await askChat(question, ctx, (lookup) => lookups.push(lookup));
        cancelWith(c.req.raw.signal, answer.feed);
        return createReply(answer, { now, sleep, after, model: model.model });
      },
    };
    return answers;
  }

  return {
    answers: config.model && createAnswers(config.model, bindings.ANSWERS),
    modelCache(c, options) {
      const { ctx, lookups } = internalScopeOf(c);
      const onLookup = (lookup: Lookup): void => void lookups.push(lookup);
      const { signal } = c.req.raw;
      const onFeed = (feed: { cancel(): void }): void => cancelWith(signal, feed);
      return createModelCache({ ask, local, ctx, onLookup, onFeed }, options);
    },
  };
}
