import type { MetricsPort } from "../../core/metrics.ts";
import type { TrafficSketch } from "../../core/traffic.ts";

/** A comparison simulates this many isolates, so that it takes bounded time. */
const MAX_ISOLATES = 4;

/**
 * Returns the sketch of this isolate and those that other isolates have reported, the ones with the
 * most reads. If a metrics object cannot be reached, only the sketch of this isolate is known.
 */
export async function knownSketches(
  own: TrafficSketch,
  port: Pick<MetricsPort, "sketches"> | undefined,
): Promise<readonly TrafficSketch[]> {
  const reported = port === undefined ? [] : await port.sketches().catch(() => []);
  const others = reported.flat().filter(({ isolate }) => isolate !== own.isolate);
  return [own, ...others]
    .filter(({ reads }) => reads.hash.length > 0)
    .toSorted((a, b) => b.reads.hash.length - a.reads.hash.length)
    .slice(0, MAX_ISOLATES);
}
