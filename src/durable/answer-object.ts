import { DurableObject } from "cloudflare:workers";
import type { ObjectClass } from "./object-class.ts";

/** The calls that the object answers. */
export interface AnswerObjectRpc {
  fetch(request: Request): Promise<Response>;
}

export interface AnswerObjectOptions<Env> {
  /** Creates the part that makes the call and keeps the recording. It lives as long as the object. */
  readonly createHost: (
    env: Env,
    waitUntil: (work: Promise<unknown>) => void,
  ) => (request: never) => Response;
}

/**
 * The Durable Object of one key of an answer: it makes the call of the model once for all isolates. It
 * stores nothing on disk: if it is lost, its running answer is cut off.
 */
export function createAnswerObject<Env>({
  createHost,
}: AnswerObjectOptions<Env>): ObjectClass<Env, AnswerObjectRpc> {
  return class AnswerObject extends DurableObject<Env> implements AnswerObjectRpc {
    #host: ((request: never) => Response) | undefined;

    /** Joins the recording, or begins it. Only isolates of the same Worker can call it. */
    override async fetch(request: Request): Promise<Response> {
      this.#host ??= createHost(this.env, (work) => this.ctx.waitUntil(work));
      return this.#host(await request.json<never>());
    }
  };
}
