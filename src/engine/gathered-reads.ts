import type { Gather } from "./gather.ts";
import type { ReadShared, SharedReader } from "./shared-reader.ts";
import type { SharedTurns } from "./shared-turns.ts";

/** Reads the keys of all reads of a batch with one request. */
export function gatherReads(shared: SharedReader, gather: Gather): SharedTurns["join"] {
  const read: ReadShared = gather.step("holds", async (requests) => {
    const found = await shared.read(requests);
    return requests.map((_, i) => (found === "unreachable" ? found : (found[i] ?? {})));
  });
  const member = { read, leave: () => undefined };
  return () => member;
}
