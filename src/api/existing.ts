import type { Existence, RequestScope } from "../index.ts";
import type { Kind } from "./kinds.ts";

/** What an answer says of itself that no tier was asked for. */
export const DENIED = { member: "strata; hit; detail=existence", plain: "HIT" } as const;

/** Whether no row of the kind can have this id: then nobody need be asked. */
export async function cannotExist(
  { ctx }: RequestScope,
  existence: Existence,
  kind: Kind<unknown>,
  id: number,
): Promise<boolean> {
  return !(await existence.mayExist(kind.name, kind.keyOf(id), [kind.tagOf(id)], ctx));
}
