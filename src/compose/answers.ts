/** Builds the answers of a model in an isolate. */
import { createChatAnswers } from "../answers/chat-answers.ts";
import { createChatCall } from "../answers/chat-call.ts";
import { createJoinHost } from "../answers/join-host.ts";
import { createModelCache } from "../answers/language-model.ts";
import { createReply, type Answers, type ModelCache } from "../answers/reply.ts";
import type { Config } from "../config.ts";
import type { Bindings } from "../config/bindings.ts";
import type { ModelConfig } from "../config/model-variables.ts";
import type { Lookup } from "../core/lookup.ts";
import { createAskHost } from "../durable/answer-port.ts";
import { answerStub } from "../durable/stubs.ts";
import type { Engine } from "../engine/engine.ts";
import { internalScopeOf } from "../http/routes/middleware.ts";
import type { Platform } from "../platform.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { composeLocalAnswers } from "./local-answers.ts";

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
        return createReply(answer, { now, sleep, model: model.model });
      },
    };
    return answers;
  }

  /** A stream does not learn that its client has left: https://github.com/cloudflare/workerd/issues/6832. */
  function cancelWith(signal: AbortSignal, feed: { cancel(): void }): void {
    if (signal.aborted) feed.cancel();
    else signal.addEventListener("abort", () => feed.cancel(), { once: true });
  }

  return {
    answers: config.model && createAnswers(config.model, bindings.ANSWERS),
    modelCache(c, options) {
      const { ctx, lookups } = internalScopeOf(c);
      const onLookup = (lookup: Lookup): void => void lookups.push(lookup);
      return createModelCache({ ask, local, ctx, onLookup }, options);
    },
  };
}
