import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDurableOnly, type DurableOnly, type Instance } from "./support/durable-only.ts";
import { until } from "./support/waiting.ts";

interface Item {
  readonly value: string;
  readonly status: string;
  /** Whether the answer is marked: the log could not be asked. */
  readonly unreachable: boolean;
}

/** The default coherence bound of a policy, and a second for the requests of a busy machine. */
const COHERENCE_MS = 1_000;
const SLACK_MS = 1_000;

let product: DurableOnly;
let one: Instance;
let other: Instance;

beforeAll(async () => {
  product = await startDurableOnly();
  [one, other] = product.instances;
});
afterAll(() => product.stop());

const readFrom = (instance: Instance, id: string) => instance.get<Item>(`/items/${id}`);
const loadsOf = async (id: string): Promise<number> =>
  (await one.get<number>(`/loads/${id}`)) + (await other.get<number>(`/loads/${id}`));

describe("two instances of a Worker that has only Durable Objects", () => {
  it("a value that one instance loaded is read from the shared store by the other instance, without a load", async () => {
    const loaded = await readFrom(one, "shared");
    expect(loaded.status).toBe("miss");
    // The write of the entry follows the response.
    const { value: read } = await until(
      () => readFrom(other, "shared"),
      ({ status }) => status.startsWith("hit"),
      5_000,
    );
    expect(read.value).toBe(loaded.value);
    expect(await loadsOf("shared")).toBe(1);
  });

  it("a purge by one instance is visible in the other instance within the coherence bound", async () => {
    const before = await readFrom(one, "purged");
    await until(
      () => readFrom(other, "purged"),
      ({ value, status }) => value === before.value && status === "hit-memory",
      5_000,
    );
    expect(await one.post("/purge")).toBe(204);
    const { value: after } = await until(
      () => readFrom(other, "purged"),
      ({ value }) => value !== before.value,
      COHERENCE_MS + SLACK_MS,
    );
    expect(after.value).not.toBe(before.value);
  });

  it("40 simultaneous reads of a cold key through two instances make 1 load", async () => {
    const reads = await Promise.all(
      Array.from({ length: 40 }, (_, i) => readFrom(i % 2 === 0 ? one : other, "stampede")),
    );
    expect(new Set(reads.map(({ value }) => value)).size).toBe(1);
    expect(await loadsOf("stampede")).toBe(1);
  });

  it("a purge that was acknowledged just before the processes were killed holds after their restart, and the entries of the store are still there", async () => {
    await readFrom(one, "kept");
    const { value: kept } = await until(
      () => readFrom(other, "kept"),
      ({ status }) => status === "hit-memory",
      5_000,
    );
    const { value: purged } = await until(
      () => readFrom(other, "late"),
      ({ status }) => status === "hit-memory",
      5_000,
    );

    expect(await one.post("/purge/late")).toBe(204);
    await one.restart();
    // The other process is started again too, so that it connects to the new process of the objects. Its cache
    // on disk still has the purged value.
    await other.restart();
    for (const instance of [one, other]) {
      const { value: late } = await until(
        () => readFrom(instance, "late"),
        ({ unreachable }) => !unreachable,
        10_000,
      );
      expect(late.value).not.toBe(purged.value);
      const { value: read } = await until(
        () => readFrom(instance, "kept"),
        ({ unreachable }) => !unreachable,
        10_000,
      );
      expect(read.value).toBe(kept.value);
    }
    expect(await one.get<number>("/loads/kept")).toBe(0);
    expect(await other.get<number>("/loads/kept")).toBe(0);
  }, 180_000);
});
