/** Counts the bytes that an isolate of workerd allocates, with V8's sampling heap profiler. */
import { openInspector } from "./inspector.ts";

/** The objects that are counted: all, or those that outlive a collection of the young generation. */
export type CountedObjects = "all" | "survivors";

/** With this flag V8 samples at a constant interval, otherwise at random. */
export const CONSTANT_INTERVAL_FLAG = "--sampling-heap-profiler-suppress-randomness";

/** A function, the bytes that it allocates itself, and the functions that it calls. */
interface ProfileNode {
  readonly callFrame: { readonly functionName: string };
  readonly selfSize: number;
  readonly children: readonly ProfileNode[];
}

export interface Allocated {
  /** The bytes of all counted objects. */
  readonly bytes: number;
  /** The bytes of the objects that the runtime makes while no JavaScript runs, for example a request before its handler. */
  readonly outsideJavaScript: number;
}

/** V8's name for the place of such an allocation. */
const OUTSIDE = "(V8 API)";

export interface AllocationOptions {
  readonly objects: CountedObjects;
  /** The bytes from one sample to the next. */
  readonly samplingInterval: number;
}

/**
 * Returns the bytes that the isolate allocates in V8's heap while `work` runs. V8 weights a sample as if the interval were
 * random, which adds up to 58 % to objects as small as the interval. To count survivors, workerd needs GC_FLAG.
 */
export async function allocatedDuring(
  inspectorUrl: string,
  { objects, samplingInterval }: AllocationOptions,
  work: () => Promise<void>,
): Promise<Allocated> {
  using inspector = await openInspector(inspectorUrl);
  await inspector.call("HeapProfiler.startSampling", {
    samplingInterval,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: objects === "all",
  });
  await work();
  // Otherwise objects that no collection has seen yet would count as survivors.
  if (objects === "survivors") await inspector.evaluate('gc({ type: "minor" })');
  const { profile } = await inspector.call<{ readonly profile: { readonly head: ProfileNode } }>(
    "HeapProfiler.stopSampling",
  );
  return sumOf(profile.head);
}

function sumOf({ callFrame, selfSize, children }: ProfileNode): Allocated {
  let bytes = selfSize;
  let outsideJavaScript = callFrame.functionName === OUTSIDE ? selfSize : 0;
  for (const child of children) {
    const sum = sumOf(child);
    bytes += sum.bytes;
    outsideJavaScript += sum.outsideJavaScript;
  }
  return { bytes, outsideJavaScript };
}
