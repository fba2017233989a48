/** The parts of the engine that only a store of entries needs. A shared store brings them with it. */
import { createEntryReader } from "./entry-reader.ts";
import { createDrop, createErase } from "./erase.ts";
import { gatherReads } from "./gathered-reads.ts";
import { gatherWrites } from "./gathered-writes.ts";
import { createSharedTurns } from "./shared-turns.ts";
import { createVerificationBatches } from "./verification-batches.ts";
import { createWarmer } from "./warm.ts";

export const ENTRY_PARTS = {
  createReader: createEntryReader,
  createTurns: createSharedTurns,
  createVerifications: createVerificationBatches,
  gatherReads,
  gatherWrites,
  createWarmer,
  createErase,
  createDrop,
};

/** The type of these parts. The engine imports it without their code. */
export type EntryParts = typeof ENTRY_PARTS;
