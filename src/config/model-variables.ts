/** The variables of the model that answers questions. */
import * as z from "zod/mini";

/** The model of `LLM_BASE_URL`. It holds a secret. */
export interface ModelConfig {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly model: string;
  /** The price of a million tokens, in US dollars. 0 if it is not known. */
  readonly inputPrice: number;
  readonly outputPrice: number;
}

const PRICE = /^\d{1,6}(?:\.\d{1,6})?$/;
const price = z.optional(
  z
    .string()
    .check(z.regex(PRICE, "must be the price of a million tokens in US dollars, such as 0.15")),
);

/** The rules of the variables, as members of the schema of all variables. */
export const modelVariables = {
  LLM_BASE_URL: z.optional(
    z.string().check(
      z.refine((text) => {
        if (!URL.canParse(text)) return false;
        const { protocol, search, hash, username, password } = new URL(text);
        const isPlain = search === "" && hash === "" && username === "" && password === "";
        return (protocol === "http:" || protocol === "https:") && isPlain;
      }, "must be an http(s) URL without a query and without credentials"),
    ),
  ),
  LLM_API_KEY: z.optional(
    z.string().check(z.regex(/^[\x21-\x7e]{1,512}$/, "must be 1 to 512 visible ASCII characters")),
  ),
  LLM_MODEL: z.optional(
    z.string().check(z.regex(/^[\x21-\x7e]{1,128}$/, "must be 1 to 128 visible ASCII characters")),
  ),
  LLM_INPUT_PRICE: price,
  LLM_OUTPUT_PRICE: price,
  CHAT_SHARED_PERSONAS: z.optional(
    z
      .string()
      .check(
        z.regex(
          /^(?:[ \t]*[a-z0-9-]{1,32}[ \t]*(?:,|$))*$/,
          "must be names of personas, separated by commas",
        ),
      ),
  ),
  DEPLOYMENT_ID: z.optional(
    z.string().check(z.regex(/^[\w.-]{1,64}$/, "must be 1 to 64 of A-Z, a-z, 0-9 and _.-")),
  ),
};

interface ModelValues {
  readonly LLM_BASE_URL?: string | undefined;
  readonly LLM_API_KEY?: string | undefined;
  readonly LLM_MODEL?: string | undefined;
  readonly LLM_INPUT_PRICE?: string | undefined;
  readonly LLM_OUTPUT_PRICE?: string | undefined;
}

/** Returns one line if the address of a model is set without its name. */
export function modelProblems({ LLM_BASE_URL, LLM_MODEL }: ModelValues): readonly string[] {
  return LLM_BASE_URL !== undefined && LLM_MODEL === undefined
    ? ["LLM_MODEL: set it to the name of a model, since LLM_BASE_URL is set"]
    : [];
}

/** Returns the model; undefined without `LLM_BASE_URL`. */
export function modelOf(values: ModelValues): ModelConfig | undefined {
  if (values.LLM_BASE_URL === undefined || values.LLM_MODEL === undefined) return undefined;
  return {
    baseUrl: values.LLM_BASE_URL,
    apiKey: values.LLM_API_KEY,
    model: values.LLM_MODEL,
    inputPrice: Number(values.LLM_INPUT_PRICE ?? 0),
    outputPrice: Number(values.LLM_OUTPUT_PRICE ?? 0),
  };
}
