/** Caches the answers of models of the AI SDK, over a data cache and without a web framework. */
import {
  createModelCache,
  type LanguageModelMiddleware,
  type ModelCacheOptions,
} from "../answers/language-model.ts";
import { contextOf } from "../compose/open-cache.ts";
import { dataPartsOf } from "../compose/data-parts.ts";
import {
  cancelWith,
  composeLocalAnswers,
  type AnswerSettings,
  type LocalAnswers,
} from "../compose/local-answers.ts";
import { count, duration, readOptions, type OptionTable } from "../config/option-reader.ts";
import { MAX_ANSWER_CHARS } from "../core/answers.ts";
import type { Duration } from "../core/duration.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Lookup } from "../core/lookup.ts";
import type { Lifetime, Place, Strata } from "../data/strata.ts";

/** The limits of the calls of one isolate. */
export interface ModelCacheLimits {
  /** Time limit until the first piece of an answer. @default "20s" */
  readonly firstPieceTimeout?: Duration;
  /** Time limit of a whole answer. @default "2m" */
  readonly timeout?: Duration;
  /** The maximum number of characters of one answer, with 16 for each piece: at most 524288. A longer one is cut off. @default 262144 */
  readonly maxChars?: number;
  /** The calls of the model that one isolate may have begun at the same time. @default 64 */
  readonly maxCalls?: number;
  /** The answers that one isolate may send at the same time. @default 1000 */
  readonly maxStreams?: number;
}

/** Where the work of one request runs, and who learns where its answers are from. */
export interface ModelCacheRequest extends Place {
  /** The execution context (`ctx`). Default: the platform's own `waitUntil`. */
  readonly lifetime?: Lifetime;
  /** The signal of the request. The call of the model ends with it, unless another reader waits for the answer. */
  readonly signal?: AbortSignal;
  /** Called with the lookup of each answer: `status` says whether the model was called. */
  readonly onLookup?: (lookup: Lookup) => void;
}

/** Creates the middleware of one request: `wrapLanguageModel({ model, middleware })`. */
export type OpenModelCache = (
  options: ModelCacheOptions,
  request?: ModelCacheRequest,
) => LanguageModelMiddleware;

const MINUTE_MS = 60_000;

const RULES: OptionTable<{ limits: ModelCacheLimits }> = {
  limits: {
    firstPieceTimeout: duration("20s", 1, MINUTE_MS),
    timeout: duration("2m", 1, 10 * MINUTE_MS),
    maxChars: count(262_144, 1_000, MAX_ANSWER_CHARS),
    maxCalls: count(64, 1, 10_000),
    maxStreams: count(1_000, 1, 100_000),
  },
};

/**
 * Makes the cache of the answers of one isolate. Call it once, at module level: it holds the running calls.
 *
 * @throws {DefinitionError} that lists every wrong limit
 * @example
 * import { generateText, wrapLanguageModel, type LanguageModel } from "ai";
 *
 * declare const model: Exclude<LanguageModel, string> & { specificationVersion: "v3" };
 * const openCache = modelCache(createStrata({ namespace: "shop" }));
 *
 * export default {
 *   async fetch(request, env, ctx) {
 *     const middleware = openCache(
 *       { scope: "message", group: "haiku", promptVersion: "1" },
 *       { lifetime: ctx },
 *     );
 *     const { text } = await generateText({
 *       model: wrapLanguageModel({ model, middleware }),
 *       prompt: "A haiku about caches",
 *     });
 *     return new Response(text);
 *   },
 * } satisfies ExportedHandler;
 */
export function modelCache(strata: Strata, limits: ModelCacheLimits = {}): OpenModelCache {
  const { values, problems } = readOptions({ limits }, RULES);
  if (problems.length > 0) throw new DefinitionError("modelCache", problems.join("; "));
  const { limits: settings } = values as unknown as { limits: AnswerSettings };
  let built: LocalAnswers | undefined;

  return (options, { lifetime, signal, onLookup = () => undefined, ...place } = {}) => {
    const parts = dataPartsOf(strata);
    built ??= composeLocalAnswers(parts.engine, settings, parts.platform);
    const onFeed = (feed: { cancel(): void }): void => {
      if (signal !== undefined) cancelWith(signal, feed);
    };
    return createModelCache(
      {
        ...built,
        ctx: contextOf({ ...parts, now: parts.platform.now }, lifetime, place),
        onLookup,
        onFeed,
      },
      options,
    );
  };
}
