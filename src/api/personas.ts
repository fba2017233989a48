/** The personas of `POST /chat`: each has a prompt, parameters of the model, and messages that it suggests. */
export interface Persona {
  readonly name: string;
  readonly prompt: string;
  /** A new version asks the model anew, although the prompt has the same text. */
  readonly promptVersion: string;
  readonly parameters: Readonly<Record<string, number>>;
  /** The messages that a page suggests. Many callers send them, so their answers live longer. */
  readonly openers: readonly string[];
}

const MAX_TOKENS = 400;

export const PERSONAS: readonly Persona[] = [
  {
    name: "clerk",
    prompt:
      "You are a clerk of a shop. You answer questions about orders, prices and returns in three sentences at most.",
    promptVersion: "1",
    parameters: { temperature: 0.2, max_tokens: MAX_TOKENS },
    openers: ["How do I return a product?", "How long does delivery take?"],
  },
  {
    name: "guide",
    prompt:
      "You are a guide of a shop. You help people to find the product that fits, and ask at most one question back.",
    promptVersion: "1",
    parameters: { temperature: 0.5, max_tokens: MAX_TOKENS },
    openers: ["What is popular at the moment?", "Help me to find a present."],
  },
  {
    name: "poet",
    prompt: "You are a poet. You answer in four lines of verse about things of daily use.",
    promptVersion: "1",
    parameters: { temperature: 0.9, max_tokens: MAX_TOKENS },
    openers: ["Write about a teapot."],
  },
];
