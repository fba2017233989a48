/** Builds the answers of a model in an isolate. */
import { createAsk } from "../answers/ask.ts";
import { createChatAnswers } from "../answers/chat-answers.ts";
import { createChatCall } from "../answers/chat-call.ts";
import { createJoinHost } from "../answers/join-host.ts";
import { createPlaces } from "../answers/places.ts";
import { createRecordings } from "../answers/recordings.ts";
import { createReply, type Answers } from "../answers/reply.ts";
import type { Config } from "../config.ts";
import type { Bindings } from "../config/variables.ts";
import type { CallLimits } from "../core/answers.ts";
import { createAskHost } from "../durable/answer-port.ts";
import { answerStub } from "../durable/stubs.ts";
import type { Engine } from "../engine/engine.ts";
import { internalScopeOf } from "../http/routes/middleware.ts";
import { after, type Platform } from "../platform.ts";
import { withTimeout } from "../resilience/deadline.ts";

/** A reader of a recording of this isolate looks for frames at least this often. */
const LOOK_EVERY_MS = 1_000;
/** The longest wait for the tier reads of another question. */
const PEEK_MS = 2_000;

/** Creates the answers of an isolate. Undefined without a model. */
export function composeAnswers(
  bindings: Bindings,
  config: Config,
  engine: Engine,
  { now, newId, sleep }: Platform,
): Answers<Parameters<typeof internalScopeOf>[0]> | undefined {
  const { model, namespace, deployment } = config;
  if (model === undefined) return undefined;
  const { firstPieceTimeoutMs, timeoutMs, maxChars, maxCalls, maxStreams } =
    config.settings.answers;
  const limits: CallLimits = { firstMs: firstPieceTimeoutMs, totalMs: timeoutMs, maxChars };
  const ask = createAsk({
    engine,
    newId,
    calls: createPlaces(maxCalls, timeoutMs, now),
    streams: createPlaces(maxStreams, timeoutMs, now),
    withTimeout,
    peekTimeoutMs: PEEK_MS,
  });
  const objects = bindings.ANSWERS;
  const askChat = createChatAnswers({
    ask,
    model,
    namespace,
    limits,
    deploymentTag: deployment === undefined ? undefined : `deployment:${deployment}`,
    joinHost:
      objects &&
      createJoinHost(
        createAskHost((name, region) => answerStub(objects, name, region)),
        now,
      ),
    callModel: (call) => createChatCall(model, call, (url, init) => fetch(url, init)),
    local: {
      recordings: createRecordings({
        now,
        newId,
        after,
        lingerMs: 0,
        // The timer keeps the request alive: workerd ends one that waits for another request only.
        waitFor: (change) => withTimeout(change, LOOK_EVERY_MS).catch(() => undefined),
      }),
      engine,
      after,
      limits,
    },
  });
  return {
    async ask(c, question) {
      const { ctx, lookups } = internalScopeOf(c);
      const answer = await askChat(question, ctx, (lookup) => lookups.push(lookup));
      return createReply(answer, { now, sleep, model: model.model });
    },
  };
}
