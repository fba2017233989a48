/** The cron trigger of whole layers: which tasks run, in which order, and what telemetry says of them. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { failed } from "../../src/core/faults.ts";
import { createCron } from "../../src/cron/cron.ts";
import type { Task } from "../../src/cron/run-task.ts";
import { definePolicy, DefinitionError, key, type CronTask } from "../../src/index.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createTestContext } from "../support/context.ts";
import { createGate } from "../support/gate.ts";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";

afterEach(() => void vi.restoreAllMocks());

/** The lines that the layers print. */
function watchLog(): string[] {
  const lines: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  return lines;
}

const TELEMETRY_ON: Readonly<Record<string, string>> = { OTEL_SDK_DISABLED: "" };

function isolateWith(tasks: readonly CronTask[], namespace = uniqueNamespace()): TestIsolate {
  const isolate = createTestIsolate({
    namespace,
    bindings: TELEMETRY_ON,
    options: { telemetry: { flushEvery: "1ms" } },
  });
  isolate.clock.stop();
  for (const task of tasks) isolate.layer.cron.define(task);
  return isolate;
}

const trigger = ({ layer, request }: TestIsolate) => layer.scheduled(request().ctx);

/** The number of runs that the metrics of the namespace have, by task and outcome. */
async function outcomesOf({ layer }: TestIsolate): Promise<Readonly<Record<string, number>>> {
  const text = (await layer.metrics.exposition())?.body ?? "";
  const samples = text.matchAll(
    /^cache_cron_duration_seconds_count\{cache_task="(.+)",cache_outcome="(.+)"\} (\d+)$/gm,
  );
  return Object.fromEntries(
    [...samples].map(([, task, outcome, count]) => [`${task} ${outcome}`, Number(count)]),
  );
}

/** Waits until the isolates have reported, and compares the metrics of their namespace. */
async function expectOutcomes(
  isolates: readonly [TestIsolate, ...TestIsolate[]],
  expected: Readonly<Record<string, number>>,
): Promise<void> {
  await vi.waitFor(
    async () => {
      for (const isolate of isolates) {
        isolate.clock.advance(10);
        await isolate.settle();
      }
      expect(await outcomesOf(isolates[0])).toEqual(expected);
    },
    { timeout: 10_000 },
  );
}

const POLICY = definePolicy({ freshFor: "1h" });

describe("the tasks of the cron trigger", () => {
  it("a run delivers the outbox, trims the log, builds the filters and then does the tasks of the application in the order of their definition", async () => {
    const order: string[] = [];
    const isolate = isolateWith(
      ["first", "second"].map((name) => ({
        name,
        run: async () => void order.push(name),
      })),
    );
    isolate.layer.existence.define({
      name: "product",
      async listKeys() {
        order.push("filters");
        return [];
      },
    });
    await trigger(isolate);
    expect(order).toEqual(["filters", "first", "second"]);
    await expectOutcomes([isolate], {
      "relay done": 1,
      "trim done": 1,
      "trim-ids done": 1,
      "redis-figures done": 1,
      "live-events done": 1,
      "filters done": 1,
      "first done": 1,
      "second done": 1,
    });
  });

  it("of two isolates whose cron triggers overlap, one lists the keys of a filter and does the task of the application, and the other skips both", async () => {
    const namespace = uniqueNamespace();
    const gate = createGate();
    const done: string[] = [];
    const isolateOf = (own: string) => {
      const isolate = isolateWith(
        [{ name: "mine", run: async () => void done.push(`${own} task`) }],
        namespace,
      );
      isolate.layer.existence.define({
        name: "product",
        async listKeys() {
          done.push(`${own} filter`);
          await gate.pass();
          return [];
        },
      });
      return isolate;
    };
    const [first, second] = [isolateOf("first"), isolateOf("second")];
    const running = trigger(first);
    await gate.reached;
    await trigger(second);
    expect(done).toEqual(["first filter", "second task"]);
    gate.open();
    await running;
    expect(done).toEqual(["first filter", "second task", "first task"]);
    await expectOutcomes([first, second], {
      "relay done": 2,
      "trim done": 2,
      "trim-ids done": 2,
      "redis-figures done": 2,
      "live-events done": 2,
      "filters done": 1,
      "filters skipped": 1,
      "mine done": 2,
    });
  });

  it("a task of an application that is due every hour is done once by two isolates whose cron triggers follow each other", async () => {
    const namespace = uniqueNamespace();
    let runs = 0;
    const hourly: CronTask = { name: "hourly", every: "1h", run: async () => void runs++ };
    for (let times = 0; times < 2; times++) await trigger(isolateWith([hourly], namespace));
    expect(runs).toBe(1);
  });

  it("a task that throws, a filter whose list fails and a task that returns no valid cursor are printed and counted as failed, and the tasks after them are done", async () => {
    const lines = watchLog();
    let done = 0;
    const isolate = isolateWith([
      { name: "throws", run: () => Promise.reject(new Error("no such table")) },
      { name: "stuck", run: async () => "here" },
      { name: "long", run: async () => "x".repeat(1_001) },
      { name: "last", run: async () => void done++ },
    ]);
    isolate.layer.existence.define({
      name: "product",
      listKeys: () => Promise.reject(new Error("no database")),
    });
    await trigger(isolate);
    expect(done).toBe(1);
    expect(lines.filter((line) => line.startsWith("cron "))).toEqual([
      "cron filters: failed (product: origin.unavailable: no database)",
      "cron throws: failed (no such table)",
      "cron stuck: failed (a step returned the cursor that it was given)",
      "cron long: failed (a cursor must be a text of 1 to 1000 characters)",
    ]);
    await expectOutcomes([isolate], {
      "relay done": 1,
      "trim done": 1,
      "trim-ids done": 1,
      "redis-figures done": 1,
      "live-events done": 1,
      "filters failed": 1,
      "throws failed": 1,
      "stuck failed": 1,
      "long failed": 1,
      "last done": 1,
    });
  });

  it("a task that hangs is reported as failed when its time is over, and the task after it is done", async () => {
    const reports: string[] = [];
    const away = async () => failed("redis.unavailable", "no task here needs a lease");
    const task = (name: string, run: Task["run"]): Task => ({
      name,
      exclusion: "own",
      everyMs: 0,
      budgetMs: 1_000,
      run,
    });
    const cron = createCron({
      tasks: [task("hanging", () => new Promise(() => undefined)), task("after", async () => ({}))],
      leases: { take: away, saveCursor: away, release: away },
      readerOf: () => createTestIsolate({ namespace: uniqueNamespace() }).request(),
      newId: () => "run",
      withTimeout: (work) => withTimeout(work, 20),
      report: (end) => void reports.push(`${end.task} ${end.outcome}`),
    });
    await cron.run(createTestContext());
    expect(reports).toEqual(["hanging failed", "after done"]);
  });

  it("a run begins no step after 20 s: the task that used up the time is continued by the next run, and the tasks after it are skipped", async () => {
    const steps: string[] = [];
    const isolate: TestIsolate = isolateWith([
      {
        name: "slow",
        budget: "20s",
        async run(cursor = "0") {
          steps.push(`slow ${cursor}`);
          isolate.clock.advance(12_000);
          return String(Number(cursor) + 1);
        },
      },
      { name: "after", run: async () => void steps.push("after") },
    ]);
    await trigger(isolate);
    expect(steps).toEqual(["slow 0", "slow 1"]);
    await trigger(isolate);
    expect(steps).toEqual(["slow 0", "slow 1", "slow 2", "slow 3"]);
    await expectOutcomes([isolate], {
      "relay done": 2,
      "trim done": 2,
      "trim-ids done": 2,
      "redis-figures done": 2,
      "live-events done": 2,
      "filters done": 2,
      "slow continued": 2,
      "after skipped": 2,
    });
  });

  it("a task warms entries with the reader of its step, and another isolate of the namespace reads them without a load", async () => {
    const namespace = uniqueNamespace();
    const keys = [1, 2, 3].map((id) => key("item", id));
    const isolate = isolateWith(
      [
        {
          name: "warm",
          async run(_cursor, { cache }) {
            const rounds = cache.warm(
              keys,
              POLICY,
              async (missing) => new Map(missing.map((one) => [one, one])),
            );
            for await (const { fault } of rounds) expect(fault).toBeUndefined();
            return undefined;
          },
        },
      ],
      namespace,
    );
    await trigger(isolate);
    const other = createTestIsolate({ namespace });
    const { status, value } = await other
      .request()
      .read("item:2", POLICY, () => Promise.reject(new Error("no load is needed")));
    expect([status, value]).toEqual(["hit-redis", "item:2"]);
  });
});

describe("cron.define()", () => {
  const run = async () => undefined;

  it.each([
    ["a name with a space", { name: "my task", run }],
    ["an empty name", { name: "", run }],
    ["a name of 41 letters", { name: "a".repeat(41), run }],
    ["the name of a task of the layer", { name: "relay", run }],
    ["a budget of 21 s", { name: "mine", budget: "21s", run }],
    ["a budget of 99 ms", { name: "mine", budget: 99, run }],
    ["a time of 8 days between its starts", { name: "mine", every: "8d", run }],
    ["a duration that is none", { name: "mine", every: "soon", run }],
  ] as [string, CronTask][])("a task with %s is refused with a DefinitionError", (_, task) => {
    expect(() => isolateWith([task])).toThrow(DefinitionError);
  });

  it("a second task of the same name is refused with a DefinitionError", () => {
    expect(() =>
      isolateWith([
        { name: "mine", run },
        { name: "mine", run },
      ]),
    ).toThrow(DefinitionError);
  });
});
