import type { Config } from "../config.ts";
import type { Bindings } from "../config/bindings.ts";
import { GROUP_TIMEOUT_MS } from "./breakers.ts";
import { createLogGroupsPort } from "../durable/log-groups-port.ts";
import { regionLogStub } from "../durable/stubs.ts";
import type { Coherence } from "../engine/coherence.ts";
import { withGroups } from "../engine/grouped-invalidations.ts";
import type { Breaker } from "../core/breaker.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { withGroupsBreaker } from "../resilience/groups-breaker.ts";

/**
 * Builds the part through which isolates invalidate together. Returns `coherence` itself if the
 * options turn it off. `readConfig` makes sure that the binding exists otherwise.
 */
export function composeLogGroups(
  { LOGS }: Bindings,
  { namespace, settings }: Config,
  coherence: Coherence,
  breaker: Breaker,
): Coherence {
  const { groups } = settings.log;
  if (LOGS === undefined || groups === "off") return coherence;
  const port = createLogGroupsPort({
    stub: (name, region) => regionLogStub(LOGS, name, region),
    namespace,
    scope: groups,
    timeoutMs: GROUP_TIMEOUT_MS,
    withTimeout,
  });
  return withGroups(coherence, withGroupsBreaker(port, breaker));
}
