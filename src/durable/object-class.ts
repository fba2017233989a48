import type { DurableObject } from "cloudflare:workers";

/** A class of Durable Objects with the methods of `Methods`. Private members are not part of the type, so that its declaration can be published. */
export type ObjectClass<Env, Methods> = new (
  state: DurableObjectState,
  env: Env,
) => DurableObject<Env> & Methods;
