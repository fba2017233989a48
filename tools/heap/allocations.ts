/** Counts the bytes that an isolate of workerd allocates, with V8's sampling heap profiler. */
import { openInspector } from "./inspector.ts";

/** Which objects count: all, or those that outlive a collection of the young generation. */
export type Counted = "all" | "survivors";

/** V8 samples at exactly every so many bytes with this flag, and at random without. */
export const V8_FLAGS = "--sampling-heap-profiler-suppress-randomness";

/** A function, the bytes that it allocates itself, and the functions that it calls. */
interface ProfileNode {
  readonly callFrame: { readonly functionName: string };
  readonly selfSize: number;
  readonly children: readonly ProfileNode[];
}

export interface Allocated {
  /** The bytes of all objects. */
  readonly bytes: number;
  /** The bytes of objects that the runtime makes for a Worker: requests, responses, fields. */
  readonly ofRuntime: number;
}

/** V8's name for the caller of an object that native code makes. */
const RUNTIME = "(V8 API)";

/**
 * Returns the bytes that the isolate allocates in V8's heap while `work` runs. Objects that were made since the last
 * collection count as survivors too, so the work must fill the young generation (16 MiB) many times.
 */
export async function allocatedDuring(
  inspectorUrl: string,
  counted: Counted,
  samplingInterval: number,
  work: () => Promise<void>,
): Promise<Allocated> {
  using inspector = await openInspector(inspectorUrl);
  await inspector.call("HeapProfiler.startSampling", {
    samplingInterval,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: counted === "all",
  });
  await work();
  const { profile } = await inspector.call<{ readonly profile: { readonly head: ProfileNode } }>(
    "HeapProfiler.stopSampling",
  );
  return sumOf(profile.head);
}

function sumOf({ callFrame, selfSize, children }: ProfileNode): Allocated {
  let bytes = selfSize;
  let ofRuntime = callFrame.functionName === RUNTIME ? selfSize : 0;
  for (const child of children) {
    const sum = sumOf(child);
    bytes += sum.bytes;
    ofRuntime += sum.ofRuntime;
  }
  return { bytes, ofRuntime };
}
