/** The parts of the engine that only a store of entries needs. A shared store brings them with it. */
import { createEntryReader } from "./entry-reader.ts";
import { createWarmer } from "./warm.ts";

export const ENTRY_PARTS = { createSharedReader: createEntryReader, createWarmer };
