/** The entry `strata/ai`: cached answers of models of the AI SDK. It is for the package `ai`, and imports nothing of it. */
export {
  modelCache,
  type ModelCacheLimits,
  type ModelCacheRequest,
  type OpenModelCache,
} from "../adapters/ai.ts";
export type { LanguageModelMiddleware, ModelCacheOptions } from "../answers/language-model.ts";
