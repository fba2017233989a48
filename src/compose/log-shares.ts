import type { Config } from "../config.ts";
import type { Bindings } from "../config/bindings.ts";
import { createRegionLogPort } from "../durable/region-log-port.ts";
import { createAnnouncementsPort } from "../durable/announcements-port.ts";
import { REGIONS, regionLogStub } from "../durable/stubs.ts";
import { withAnnouncements } from "../engine/announced-invalidations.ts";
import type { Coherence } from "../engine/coherence.ts";
import { hearingOf, type CreateLogHearing } from "../engine/log-hearing.ts";
import { createLogShares } from "../engine/log-shares.ts";
import type { Platform } from "../platform.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { createNearShare } from "../tiers/near-share.ts";

/** Time limit of one operation on the share of a data centre. A read may wait for one. */
const NEAR_SHARE_TIMEOUT_MS = 50;

/**
 * The longest wait of a deferred invalidation for the log objects: a hop around the world and the
 * start of an object.
 */
const ANNOUNCE_TIMEOUT_MS = 500;

/**
 * Builds the part through which isolates share their syncs. Returns undefined if no log object is
 * bound, or if the options turn it off.
 */
export function composeLogHearing(
  { LOGS }: Bindings,
  { namespace, settings }: Config,
  { random, sleep }: Pick<Platform, "random" | "sleep">,
): CreateLogHearing | undefined {
  if (LOGS === undefined || settings.log.shares === "off") return undefined;
  const shares = createLogShares({
    near: createNearShare({
      open: () => caches.open(namespace),
      timeoutMs: NEAR_SHARE_TIMEOUT_MS,
      withTimeout,
    }),
    region: createRegionLogPort({
      stub: (name, region) => regionLogStub(LOGS, name, region),
      namespace,
      withTimeout,
    }),
    random,
    sleep,
  });
  return hearingOf(shares);
}

/** Makes deferred invalidations known to the log objects of all regions, if isolates share their syncs. */
export function composeAnnouncements(
  { LOGS }: Bindings,
  { namespace, settings }: Config,
  coherence: Coherence,
): Coherence {
  if (LOGS === undefined || settings.log.shares === "off") return coherence;
  const port = createAnnouncementsPort({
    stub: (name, region) => regionLogStub(LOGS, name, region),
    namespace,
    regions: REGIONS,
    timeoutMs: ANNOUNCE_TIMEOUT_MS,
    withTimeout,
  });
  return withAnnouncements(coherence, port);
}
