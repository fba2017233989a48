/**
 * Counts what a hit allocates in V8's heap, and how much of it outlives a collection of the young generation, so that only a full
 * collection frees it. STARTS and HITS set how often. The counts are V8's, by its sampling heap profiler.
 */
import { forkServices } from "../dev/services-process.ts";
import { allocatedDuring, type Counted } from "../tools/heap/allocations.ts";
import {
  API_TENTH,
  CACHED,
  FEW,
  MANY,
  prepareHit,
  type HitSubject,
} from "./support/hit-subjects.ts";
import { save, show } from "./support/report.ts";
import { median, rangeOf } from "./support/time.ts";
import { ask, closeConnections, closedLoop } from "./tiers/load.ts";
import { startDataCentre } from "./tiers/runtime.ts";

const STARTS = Number(process.env["STARTS"] ?? 3);
const HITS = Number(process.env["HITS"] ?? 40_000);
const WARM_UP = 20_000;
const SAMPLING_BYTES = 1_024;

const services = await forkServices();
const { all, script } = await prepareHit(services, undefined);
const subjects = [FEW, CACHED, MANY, API_TENTH].map((name) =>
  all.find((one) => one.name === name)!,
);

interface Counts {
  readonly allocated: number;
  readonly survived: number;
  readonly survivedOfRuntime: number;
}

async function countsOf(
  { path, bindings, without, ...subject }: HitSubject,
  start: number,
): Promise<Counts> {
  const centre = await startDataCentre(subject.script ?? script, {
    isolates: 1,
    inspected: true,
    bindings: { ...bindings, STRATA_NAMESPACE: `garbage-${start}` },
    objects: true,
    ...(without !== undefined && { without }),
  });
  let client = 0;
  async function send(count: number): Promise<void> {
    await closedLoop(count, 8, async () => {
      const { status } = await ask(`${centre.urls[0]}${String(path)}`, client++);
      if (status !== 200) throw new Error(`${subject.name}: status ${status}`);
    });
  }
  async function perHit(
    counted: Counted,
  ): Promise<{ readonly bytes: number; readonly ofRuntime: number }> {
    const sum = await allocatedDuring(centre.inspectors[0]!, counted, SAMPLING_BYTES, async () =>
      send(HITS),
    );
    return { bytes: sum.bytes / HITS, ofRuntime: sum.ofRuntime / HITS };
  }
  try {
    await send(WARM_UP);
    const { bytes: allocated } = await perHit("all");
    const { bytes: survived, ofRuntime: survivedOfRuntime } = await perHit("survivors");
    return { allocated, survived, survivedOfRuntime };
  } finally {
    await centre.close();
  }
}

const rows = [];
for (const subject of subjects) {
  const starts: Counts[] = [];
  for (let start = 0; start < STARTS; start++) starts.push(await countsOf(subject, start));
  const shown = (of: keyof Counts): string => {
    const values = starts.map((start) => start[of]);
    return `${Math.round(median(values))} (${rangeOf(values, 0)})`;
  };
  rows.push({
    subject: subject.name,
    "bytes a hit": shown("allocated"),
    "of them, outlive a young collection": shown("survived"),
    "of these, objects of the runtime": shown("survivedOfRuntime"),
  });
}
show(`Garbage of a hit: ${STARTS} starts, ${HITS} hits each`, rows);
save("garbage", { starts: STARTS, hits: HITS, rows });
closeConnections();
await services.close();
