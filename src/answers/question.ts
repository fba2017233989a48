/** A question, and the key under which its answer is stored. */
import { sha256Hex } from "../core/sha256.ts";
import { key } from "../core/key.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { normalMessage } from "./normal-message.ts";

/**
 * How long an answer is fresh: `message` for a free message, `persona` for a message that the persona
 * itself suggests, and `session` for an answer that belongs to one owner.
 */
export type AnswerScope = "message" | "persona" | "session";

/** Everything that shapes an answer. The key holds all of it. */
export interface Question {
  /** The callers that share the answer, and the lifetimes of the answer. */
  readonly scope: AnswerScope;
  /** The tenant whose callers share the answer. Undefined if there is one tenant only. */
  readonly tenant?: string | undefined;
  /** The user that alone gets the answer. Undefined if all callers of the tenant share it. */
  readonly owner?: string | undefined;
  /** The name under which answers of one sort are kept apart, such as that of a persona. */
  readonly group: string;
  /** The version of the prompt, in addition to its text. */
  readonly promptVersion: string;
  /** The conversation, the oldest message first. Its texts are part of the key. */
  readonly messages: readonly ChatMessage[];
  /** Parameters of the model, such as `temperature` and `max_tokens`. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** The tools that the model may call, in the form of OpenAI. They are part of the key. @default none */
  readonly tools?: readonly unknown[];
  /** The tags of the stored answer. */
  readonly tags?: readonly string[];
}

/** One message of a question, in the form of OpenAI. The prompt of a persona has the role `system`. */
export interface ChatMessage {
  /** The author: the prompt, the user or the model. */
  readonly role: "system" | "user" | "assistant";
  /** The text of the message. */
  readonly content: string;
}

/** The model that answers. Another server may answer otherwise under the same name of a model. */
export interface ModelName {
  readonly baseUrl: string;
  readonly model: string;
}

/** A change of what the key holds gets a new number, so that old entries are not found. */
const KEY_VERSION = 1;

/** Returns the question as the model gets it and as the key holds it: with normal messages of users. */
export function normalQuestion(question: Question): Question {
  const messages = question.messages.map(({ role, content }) =>
    role === "user" ? { role, content: normalMessage(content) } : { role, content },
  );
  return { ...question, messages };
}

/**
 * Returns the key of an answer: the scope, and a SHA-256 over everything that shapes the answer. Tags do
 * not shape it. A caller that is its own owner never has the key of another owner or of all.
 */
export async function keyOfQuestion(question: Question, model: ModelName): Promise<string> {
  const {
    scope,
    tenant,
    owner,
    group,
    promptVersion,
    messages,
    parameters = {},
    tools = [],
  } = question;
  const text = canonicalJson({
    version: KEY_VERSION,
    baseUrl: model.baseUrl,
    model: model.model,
    scope,
    // A name and the lack of one are different kinds of value, so no name of a user means "all".
    tenant: tenant === undefined ? null : [tenant],
    owner: owner === undefined ? null : [owner],
    group,
    promptVersion,
    messages,
    parameters,
    tools,
  });
  return key("answer", scope, await sha256Hex(text));
}
