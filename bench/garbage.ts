/**
 * Counts the bytes that a hit allocates in V8's heap, and those that outlive a collection of the young generation, so that
 * only a full collection frees them. STARTS sets the number of starts, and HITS the requests of a measurement.
 */
import { forkServices } from "../dev/services-process.ts";
import { allocatedDuring, type CountedObjects } from "../tools/heap/allocations.ts";
import { GC_FLAG } from "../tools/heap/live-bytes.ts";
import { prepareHit, type HitSubject } from "./support/hit-subjects.ts";
import { save, show } from "./support/report.ts";
import { pairsOf, startHit } from "./support/start-hit.ts";
import { median, rangeOf } from "./support/time.ts";
import { closeConnections } from "./tiers/load.ts";

const STARTS = Number(process.env["STARTS"] ?? 3);
const HITS = Number(process.env["HITS"] ?? 20_000);
const WARM_UP = 20_000;
const SAMPLING_BYTES = 1_024;

process.env["MINIFLARE_WORKERD_V8_FLAGS"] = GC_FLAG;
const services = await forkServices();
const subjects = await prepareHit(services, undefined);

/** The bytes of one hit. */
interface Garbage {
  readonly allocated: number;
  readonly surviving: number;
  readonly survivingOutsideJavaScript: number;
}

/**
 * Starts a subject and counts the bytes of its hits. Each count has a process of its own, because a second session of the
 * profiler sometimes ended workerd.
 */
async function countOnce(subject: HitSubject, objects: CountedObjects, start: number) {
  const namespace = `garbage-${objects}-${start}`;
  const hit = await startHit(subject, subjects, { namespace, warmUp: WARM_UP, inspected: true });
  try {
    const counted = { objects, samplingInterval: SAMPLING_BYTES };
    const inspector = hit.centre.inspectors[0]!;
    return await allocatedDuring(inspector, counted, async () => hit.send(HITS));
  } finally {
    await hit.centre.close();
  }
}

async function measureStart(subject: HitSubject, start: number): Promise<Garbage> {
  const all = await countOnce(subject, "all", start);
  const survivors = await countOnce(subject, "survivors", start);
  return {
    allocated: all.bytes / HITS,
    surviving: survivors.bytes / HITS,
    survivingOutsideJavaScript: survivors.outsideJavaScript / HITS,
  };
}

const rows = [];
for (const subject of pairsOf(subjects)) {
  const starts: Garbage[] = [];
  for (let start = 0; start < STARTS; start++) starts.push(await measureStart(subject, start));
  const shown = (of: keyof Garbage): string => {
    const values = starts.map((start) => start[of]);
    return `${Math.round(median(values))} (${rangeOf(values)})`;
  };
  rows.push({
    subject: subject.name,
    "bytes a hit": shown("allocated"),
    "surviving bytes a hit": shown("surviving"),
    "survivors made outside JavaScript": shown("survivingOutsideJavaScript"),
  });
}
show(`Garbage of a hit: median and range of ${STARTS} starts, ${HITS} hits each`, rows);
save("garbage", { starts: STARTS, hits: HITS, rows });
closeConnections();
await services.close();
