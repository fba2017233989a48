import { DefinitionError } from "../core/faults.ts";
import { USER_PATTERN } from "../core/sessions.ts";

/** @throws {DefinitionError} if a text is no user of sessions */
export function checkUser(user: string): void {
  if (!USER_PATTERN.test(user))
    throw new DefinitionError("user", "must be 1 to 128 letters, digits and any of _ . @ ~ -");
}
