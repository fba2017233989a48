/** Turns a message to a persona into the question that the cache answers. */
import { normalMessage, type AnswerScope, type Question } from "../index.ts";
import type { Persona } from "./personas.ts";

/** The caller of a request. Sign-in decides it; a request body never does. */
export type Caller =
  | { readonly kind: "anonymous" }
  | { readonly kind: "user"; readonly id: string };

/**
 * Returns the question. Anonymous callers share answers. A signed-in caller has answers of its own, unless
 * `sharedPersonas` names the persona.
 */
export function questionOf(
  persona: Persona,
  message: string,
  caller: Caller,
  sharedPersonas: readonly string[],
): Question {
  const isShared = caller.kind === "anonymous" || sharedPersonas.includes(persona.name);
  const owner = isShared ? undefined : caller.id;
  return {
    scope: owner === undefined ? scopeOf(persona, message) : "session",
    owner,
    group: persona.name,
    promptVersion: persona.promptVersion,
    messages: [
      { role: "system", content: persona.prompt },
      { role: "user", content: message },
    ],
    parameters: persona.parameters,
    tags: [`persona:${persona.name}`, ...(owner === undefined ? [] : [`chat-user:${owner}`])],
  };
}

function scopeOf({ openers }: Persona, message: string): AnswerScope {
  const normal = normalMessage(message);
  return openers.some((opener) => normalMessage(opener) === normal) ? "persona" : "message";
}
