/**
 * A middleware for the AI SDK (`wrapLanguageModel`): the answers of any of its models go through the cache. The
 * types are structural, so that the layer does not depend on the SDK.
 */
import type { Batch, Feed } from "../core/answers.ts";
import type { Context } from "../core/context.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Lookup } from "../core/lookup.ts";
import { abortableFeed, untilAborted } from "./abortable.ts";
import { AnswerFault, answerFault } from "./answer-fault.ts";
import { streamOf } from "./answer-stream.ts";
import type { Ask } from "./ask.ts";
import type { Usage } from "./chat-stream.ts";
import { answerPolicies } from "./lifetimes.ts";
import { joinLocally, type LocalJoinOptions } from "./local-join.ts";
import { generating, reviveDates, streaming, type Generated, type Part } from "./model-calls.ts";
import { keyOfQuestion, type Question } from "./question.ts";
import type { CallModel } from "./record-call.ts";

/** The parts of the key of an answer beside the parameters of the call. */
export type ModelCacheOptions = Pick<
  Question,
  "scope" | "tenant" | "owner" | "group" | "promptVersion" | "tags"
>;

interface ModelId {
  readonly provider: string;
  readonly modelId: string;
}

/** The parameters of a call. The reader leaves when `abortSignal` aborts. */
interface CallParameters {
  readonly abortSignal?: AbortSignal | undefined;
}

interface GenerateOptions<R, C> {
  doGenerate: () => PromiseLike<R>;
  params: C;
  model: ModelId & { doGenerate(params: C): PromiseLike<R> };
}

interface StreamOptions<S, C> {
  doStream: () => PromiseLike<S>;
  params: C;
  model: ModelId & { doStream(params: C): PromiseLike<S> };
}

/** The middleware, in the form of `LanguageModelV3Middleware`. */
export interface LanguageModelMiddleware {
  /** The version of the interface of the AI SDK. */
  readonly specificationVersion: "v3";
  /** Answers a call without a stream, from a stored answer if there is one. */
  wrapGenerate<R extends Generated, C extends CallParameters>(
    options: GenerateOptions<R, C>,
  ): Promise<R>;
  /** Answers a call with a stream. A stored answer is replayed as one. */
  wrapStream<P extends Part, S extends { stream: ReadableStream<P> }, C extends CallParameters>(
    options: StreamOptions<S & { stream: ReadableStream<P> }, C>,
  ): Promise<S & { stream: ReadableStream<P> }>;
}

export interface ModelCachePorts {
  readonly ask: Ask;
  readonly local: LocalJoinOptions;
  readonly ctx: Context;
  readonly onLookup: (lookup: Lookup) => void;
  /** Gets the feed of each answer, to cancel it when the client of the request has left. */
  readonly onFeed: (feed: Pick<Feed, "cancel">) => void;
}

/** Members of the parameters that do not shape the answer. */
const UNKEYED = new Set(["abortSignal", "headers", "includeRawChunks"]);

/** Creates the middleware of one request. */
export function createModelCache(
  { ask, local, ctx, onLookup, onFeed }: ModelCachePorts,
  options: ModelCacheOptions,
): LanguageModelMiddleware {
  const policy = answerPolicies(local.limits.firstMs)[options.scope];
  const tags = options.tags ?? [];

  async function keyOf(
    operation: string,
    params: object,
    { provider, modelId }: ModelId,
  ): Promise<string | undefined> {
    const keyed = Object.fromEntries(Object.entries(params).filter(([name]) => !UNKEYED.has(name)));
    const question = { ...options, messages: [], parameters: { operation, params: keyed } };
    try {
      return await keyOfQuestion(question, { baseUrl: provider, model: modelId });
    } catch (error) {
      // A prompt with an image or a file as bytes has no key. It goes to the model.
      if (error instanceof DefinitionError) return undefined;
      throw error;
    }
  }

  async function answer<P>(
    key: string,
    callModel: CallModel<P, Usage>,
    signal: AbortSignal | undefined,
  ): Promise<Feed<P, Usage>> {
    let thrown: { readonly error: unknown } | undefined;
    const observed: CallModel<P, Usage> = async (add, ofCall) => {
      try {
        return await callModel(add, ofCall);
      } catch (error) {
        thrown = { error };
        // Other callers get this fault, and it is logged. The message of a provider can repeat a key or a prompt.
        if (error instanceof AnswerFault) throw error;
        throw answerFault("origin.unavailable", "the call of the model failed");
      }
    };
    const request = { key, policy, tags, usageOf: (usage: Usage) => usage };
    try {
      const asked = ask<P, Usage>(
        { ...request, join: async (join) => joinLocally(local, request, observed, join, signal) },
        ctx,
        onLookup,
      );
      const { feed } = await untilAborted(asked, signal, (late) => late.feed.cancel());
      onFeed(feed);
      return abortableFeed(feed, signal);
    } catch (error) {
      signal?.throwIfAborted();
      // The SDK decides by the model's own error whether it tries again.
      if (thrown !== undefined && !(thrown.error instanceof AnswerFault)) throw thrown.error;
      throw error;
    }
  }

  return {
    specificationVersion: "v3",

    async wrapGenerate<R extends Generated, C extends CallParameters>({
      doGenerate,
      params,
      model,
    }: GenerateOptions<R, C>) {
      const key = await keyOf("generate", params, model);
      if (key === undefined) return doGenerate();
      const { abortSignal } = params;
      const call = (signal: AbortSignal) => model.doGenerate({ ...params, abortSignal: signal });
      const feed = await answer(key, generating(call, key), abortSignal);
      const { frames, end } = await feed.next();
      const [frame] = frames;
      if (frame !== undefined) return reviveDates(frame[1]);
      throw new AnswerFault(end?.kind === "failed" ? end.fault : NO_ANSWER);
    },

    async wrapStream<
      P extends Part,
      S extends { stream: ReadableStream<P> },
      C extends CallParameters,
    >({ doStream, params, model }: StreamOptions<S & { stream: ReadableStream<P> }, C>) {
      const key = await keyOf("stream", params, model);
      if (key === undefined) return doStream();
      const { abortSignal } = params;
      const call = (signal: AbortSignal) => model.doStream({ ...params, abortSignal: signal });
      const feed = await answer(key, streaming<P>(call, key), abortSignal);
      return { stream: streamOf(feed, partsOf, local.after) } as S & { stream: ReadableStream<P> };
    },
  };
}

const NO_ANSWER = { code: "origin.unavailable", message: "the model gave no answer" } as const;

/** The parts of a batch. A cut answer ends with the part `error` of the SDK. */
function partsOf<P extends Part>({ frames, end }: Batch<P, Usage>): P[] {
  const parts = frames.map(([, part]) => reviveDates(part));
  if (end?.kind !== "failed") return parts;
  return [...parts, { type: "error", error: new AnswerFault(end.fault) } as unknown as P];
}
