/** Validates an entry that is not stored yet, for a reader of a response or an answer that still arrives. */
import type { Entry } from "../core/entry.ts";
import type { EpochMs } from "../core/time.ts";
import type { Engine } from "./engine.ts";
import type { Read } from "./lookup-request.ts";
import type { Served } from "./validation.ts";

/** How an entry may answer a read. After a soft invalidation it is stale. */
export type Judgement = Pick<Served, "freshness" | "unreachable">;

/** Judges an entry that was current at `currentAt`. Undefined if it may not answer the read. */
export async function judge(
  engine: Pick<Engine, "decide">,
  entry: Entry,
  currentAt: EpochMs,
  read: Read,
): Promise<Judgement | undefined> {
  const validation = await engine.decide(entry, read, { currentAt, unreachable: false });
  const mayServe = validation.use === "serve" && !validation.onlyIfLoadFails;
  return mayServe ? validation : undefined;
}
