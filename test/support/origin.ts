import type { LoadContext } from "../../src/core/data-reader.ts";
import { createGate, type Gate } from "./gate.ts";

/** An origin with one row, and its loader. A load reads the row first; the test decides when it answers. */
export interface TestOrigin {
  /** The current value of the row. */
  readonly current: number;
  /** How many loads have begun. */
  readonly loads: number;
  /** Changes the row. */
  write(): void;
  /** The next load reads the row, reaches the gate, and answers once the gate is open. */
  holdNext(): Gate;
  /** The next load reads the row and never answers. Resolves when it has begun. */
  hangNext(): Promise<void>;
  /** Every load reads the row and never answers while this is set. */
  hanging: boolean;
  /** Every load fails while this is set. */
  failing: Error | undefined;
  /** Called by each load after it has read the row. */
  during: ((load: LoadContext) => void | Promise<void>) | undefined;
  readonly load: (load: LoadContext) => Promise<number>;
}

export function createOrigin(): TestOrigin {
  const gates: Gate[] = [];
  const origin = {
    current: 1,
    loads: 0,
    hanging: false,
    failing: undefined as Error | undefined,
    during: undefined as TestOrigin["during"],
    write() {
      origin.current++;
    },
    holdNext() {
      const gate = createGate();
      gates.push(gate);
      return gate;
    },
    hangNext: () => origin.holdNext().reached,
    load: async (load: LoadContext): Promise<number> => {
      origin.loads++;
      if (origin.failing !== undefined) throw origin.failing;
      const read = origin.current;
      await origin.during?.(load);
      await (origin.hanging ? createGate() : gates.shift())?.pass();
      return read;
    },
  };
  return origin;
}
