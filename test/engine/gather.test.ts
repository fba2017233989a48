import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createGather, type Gather } from "../../src/engine/gather.ts";

interface Item {
  readonly key: string;
}

/** A gather with the steps of a batch. It records the keys of each call. */
function createSteps(wait: () => Promise<unknown> = () => Promise.resolve()) {
  const gather = createGather();
  const calls = { write: [] as string[][], read: [] as string[][], load: [] as string[][] };
  const call = (name: keyof typeof calls) => async (items: readonly Item[]) => {
    calls[name].push(items.map(({ key }) => key));
    await wait();
    return items.map(({ key }) => `${name} ${key}`);
  };
  const write = gather.background(call("write"));
  const read = gather.step("holds", call("read"));
  const load = gather.step("frees", call("load"));
  return { gather, calls, write, read, load };
}

const runAll = (gather: Gather, works: Record<string, () => Promise<unknown>>) => {
  const all = Object.entries(works).map(([key, work]) => gather.run(key, work));
  gather.open();
  return Promise.all(all);
};

describe("the gathered steps of a batch", () => {
  it("reads of a batch that come to a gathered step one after the other share one call, and each gets its own result", async () => {
    const { gather, calls, read } = createSteps();
    const results = await runAll(gather, {
      a: () => read({ key: "a" }),
      b: async () => {
        await Promise.resolve();
        return read({ key: "b" });
      },
    });
    expect(results).toEqual(["read a", "read b"]);
    expect(calls.read).toEqual([["a", "b"]]);
  });

  it("a read of a batch that has skipped the step `read` waits at the step `load` for the reads that make both", async () => {
    const { gather, calls, read, load } = createSteps();
    await runAll(gather, {
      a: () => load({ key: "a" }),
      b: async () => {
        await read({ key: "b" });
        return load({ key: "b" });
      },
    });
    expect(calls).toEqual({ write: [], read: [["b"]], load: [["a", "b"]] });
  });

  it("a paused read of a batch does not hold back the other reads, and makes its call after it has resumed", async () => {
    const { gather, calls, load } = createSteps();
    const away = Promise.withResolvers<void>();
    const all = runAll(gather, {
      a: async () => {
        gather.pause("a");
        await away.promise;
        gather.resume("a");
        return load({ key: "a" });
      },
      b: async () => {
        await load({ key: "b" });
        away.resolve();
      },
    });
    await all;
    expect(calls.load).toEqual([["b"], ["a"]]);
  });

  it("the entries that the reads of one call of the loader store are written with one call", async () => {
    const { gather, calls, load, write } = createSteps();
    const store = (key: string) => async () => {
      await load({ key });
      void write({ key });
    };
    await runAll(gather, { a: store("a"), b: store("b"), c: store("c") });
    expect(calls.write).toEqual([["a", "b", "c"]]);
  });

  it("a call that rejects rejects all reads of a batch that wait for it, and no later call", async () => {
    const gather = createGather();
    let failing = true;
    const step = gather.step("frees", async (items: readonly Item[]) => {
      if (failing) throw new Error("refused");
      return items;
    });
    const twice = (key: string) => async () => {
      await expect(step({ key })).rejects.toThrow("refused");
      failing = false;
      return step({ key });
    };
    expect(await runAll(gather, { a: twice("a"), b: twice("b") })).toEqual([
      { key: "a" },
      { key: "b" },
    ]);
  });

  it("all reads of a batch end, in any order of their steps, pauses and answers", async () => {
    const doing = fc.constantFrom("read", "load", "write", "pause", "turn");
    const scripts = fc.array(fc.array(doing, { maxLength: 6 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(scripts, fc.scheduler(), async (reads, scheduler) => {
        const wait = () => scheduler.schedule(Promise.resolve());
        const { gather, calls, ...steps } = createSteps(wait);
        const play = async (key: string, script: readonly string[]): Promise<number> => {
          for (const one of script) {
            if (one === "read") await steps.read({ key });
            else if (one === "load") await steps.load({ key });
            else if (one === "write") void steps.write({ key });
            else if (one === "turn") await wait();
            else {
              gather.pause(key);
              await wait();
              gather.resume(key);
            }
          }
          return script.length;
        };
        const all = reads.map((script, i) => gather.run(`${i}`, () => play(`${i}`, script)));
        gather.open();
        expect(await scheduler.waitFor(Promise.all(all))).toEqual(
          reads.map((script) => script.length),
        );
        for (const name of ["read", "load", "write"] as const) {
          const made = calls[name].flat().toSorted();
          const asked = reads.flatMap((script, i) =>
            script.filter((one) => one === name).map(() => `${i}`),
          );
          expect(made).toEqual(asked.toSorted());
        }
      }),
      { numRuns: 500 },
    );
  });
});
