import { Hono, type Context } from "hono";
import type { StrataEnv } from "../../index.ts";
import { ChatQuestion } from "../chat-inputs.ts";
import { questionOf, type Caller } from "../chat-questions.ts";
import { ApiProblem } from "../errors.ts";
import { bodyOf } from "../inputs.ts";
import { PERSONAS, type Persona } from "../personas.ts";
import type { AppServices } from "../services.ts";

/** A POST is not stored between the client and this Worker. The Worker itself stores the answer. */
const NO_STORE = { "Cache-Control": "no-store" };

const NO_MODEL = {
  status: 503,
  type: "model-not-configured",
  title: "Model Not Configured",
  detail: "Set LLM_BASE_URL and LLM_MODEL to let a model answer.",
};

/** Finds out who asks. An unknown or missing credential is an anonymous caller. */
export type Identify = (c: Context<StrataEnv>) => Promise<Caller>;

/** `POST /chat`: a persona answers a message, as JSON or as a stream of server-sent events. */
export function chatRoutes(
  { answers, rateLimits, sessions, config }: AppServices,
  identify: Identify = identifyCaller(rateLimits, sessions),
): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.post("/", async (c) => {
    if (answers === undefined) throw new ApiProblem(NO_MODEL);
    const { persona: name, message, stream, pace } = await bodyOf(c, ChatQuestion);
    const persona = personaOf(name);
    const caller = await identify(c);
    const question = questionOf(persona, message, caller, config.sharedPersonas);
    const reply = await answers.ask(c, question);
    const age =
      reply.ageSeconds === undefined ? NO_STORE : { ...NO_STORE, Age: String(reply.ageSeconds) };
    if (stream ?? wantsEvents(c))
      return c.body(reply.events({ pace: pace ?? "full" }), 200, {
        ...age,
        "Content-Type": "text/event-stream",
      });
    const { text, ...rest } = await reply.text();
    return c.json({ persona: name, message, answer: text, model: reply.model, ...rest }, 200, age);
  });

  return routes;
}

function personaOf(name: string): Persona {
  const persona = PERSONAS.find((each) => each.name === name);
  if (persona !== undefined) return persona;
  throw new ApiProblem({
    status: 404,
    type: "no-such-persona",
    title: "No Such Persona",
    detail: `The personas are ${PERSONAS.map((each) => each.name).join(", ")}.`,
  });
}

function wantsEvents(c: Context): boolean {
  const accepted = c.req.header("Accept") ?? "";
  return accepted.split(",").some((part) => part.trim().startsWith("text/event-stream"));
}

/**
 * Signed-in callers are the users of API keys and of sessions. A user of a key and a user of a session may have
 * the same id and be two people, so that their answers are kept apart.
 */
function identifyCaller(
  { userOf }: AppServices["rateLimits"],
  sessions: AppServices["sessions"],
): Identify {
  return async (c) => {
    const session = await sessions.current(c);
    if (session !== undefined) return { kind: "user", id: `session:${session.user}` };
    const user = await userOf(c);
    return user === undefined ? { kind: "anonymous" } : { kind: "user", id: user.id };
  };
}
