/** The platform's `waitUntil` in workerd. `package.json` of this folder chooses between this file and wait-until-node.ts. */
import { waitUntil as waitUntilOfRequest } from "cloudflare:workers";

/** Keeps work alive after the response of the request that runs now. @throws outside a request */
export function waitUntil(work: Promise<unknown>): void {
  waitUntilOfRequest(work);
}
