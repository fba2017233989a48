/** Validates entries that are not stored yet, for the readers of a response that still arrives. */
import type { Entry, Freshness } from "../core/entry.ts";
import type { EpochMs } from "../core/time.ts";
import type { Engine } from "./engine.ts";
import type { Read } from "./lookup-request.ts";

type Decider = Pick<Engine, "decide">;

/** Whether an entry that is not stored yet, and was current at `currentAt`, may answer a read. */
export async function mayAnswer(
  engine: Decider,
  entry: Entry,
  currentAt: EpochMs,
  read: Read,
): Promise<boolean> {
  return (await servableAs(engine, entry, currentAt, read)) !== undefined;
}

/** The same, and the entry must be fresh: a soft invalidation since `currentAt` excludes it too. */
export async function mayAnswerFresh(
  engine: Decider,
  entry: Entry,
  currentAt: EpochMs,
  read: Read,
): Promise<boolean> {
  return (await servableAs(engine, entry, currentAt, read)) === "fresh";
}

async function servableAs(
  engine: Decider,
  entry: Entry,
  currentAt: EpochMs,
  read: Read,
): Promise<Freshness | undefined> {
  const validation = await engine.decide(entry, read, { currentAt, unreachable: false });
  const mayServe = validation.use === "serve" && !validation.onlyIfLoadFails;
  return mayServe ? validation.freshness : undefined;
}
