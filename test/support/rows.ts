import { definePolicy, key, type Policy } from "../../src/index.ts";
import type { Gate } from "./gate.ts";
import type { TestIsolate } from "./isolate.ts";

const policy = definePolicy({ freshFor: "1m", jitter: 0, tags: ["users"] });

export const users = (...ids: number[]): string[] => ids.map((id) => key("user", id));

export interface ReadOptions {
  readonly how?: Policy;
  readonly gate?: Gate;
}

/** An origin of numbered rows, read with readMany(). It records every call of the loader. */
export function createRows() {
  const rows = {
    version: 1,
    calls: [] as (readonly string[])[],
    failing: false,
    async read(
      isolate: Pick<TestIsolate, "request">,
      keys: readonly string[],
      { how = policy, gate }: ReadOptions = {},
    ) {
      const found = await isolate.request().readMany(keys, how, async (missing) => {
        rows.calls.push(missing);
        if (rows.failing) throw new Error("connection refused");
        const read = new Map(missing.map((one) => [one, rows.version]));
        await gate?.pass();
        return read;
      });
      return [...found.values()];
    },
  };
  return rows;
}

export const values = (lookups: readonly { value: unknown }[]) => lookups.map(({ value }) => value);
