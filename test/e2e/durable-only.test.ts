import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDurableOnly, type DurableOnly, type Instance } from "./support/durable-only.ts";
import { until } from "./support/waiting.ts";

interface Item {
  readonly value: string;
  readonly status: string;
  /** Whether the answer is marked: the log could not be asked. */
  readonly unreachable: boolean;
}

/** The entries of the objects alone, without those of memory and the edge. */
interface Stored {
  readonly value: string | null;
  /** The era of the log that the objects have. */
  readonly era: string;
}

/** The default coherence bound of a policy, and a second for the requests of a busy machine. */
const COHERENCE_MS = 1_000;
const SLACK_MS = 1_000;
/** An instance learns the new address of the objects by then. */
const RECONNECT_MS = 20_000;

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

  it("purges that were acknowledged just before the process of the objects was killed hold after its restart, and an entry that was not purged is still a hit", async () => {
    const purged = Array.from({ length: 10 }, (_, i) => `late-${i}`);
    const before = new Map<string, string>();
    for (const id of ["kept", ...purged]) before.set(id, (await readFrom(other, id)).value);
    // The write of an entry follows the response.
    const storedIn = (id: string) => one.get<Stored>(`/stored/${id}`);
    const eras = await Promise.all(
      [...before].map(async ([id, value]) => {
        const stored = await until(
          () => storedIn(id),
          (found) => found.value === value,
          5_000,
        );
        return stored.value.era;
      }),
    );

    for (const id of purged) expect(await one.post(`/purge/${id}`)).toBe(204);
    await one.killAndRestart();

    // The objects have the entry that was not purged, and the log that it belongs to.
    expect(await storedIn("kept")).toEqual({ value: before.get("kept"), era: eras[0] });
    for (const id of purged) expect((await storedIn(id)).value).toBeNull();

    // The other instance was not killed. Its memory has all values from before the purges.
    const { value: kept } = await until(
      () => readFrom(other, "kept"),
      ({ unreachable }) => !unreachable,
      RECONNECT_MS,
    );
    expect(kept).toMatchObject({ value: before.get("kept"), status: "hit-memory" });
    for (const id of purged)
      for (const instance of [one, other])
        expect((await readFrom(instance, id)).value).not.toBe(before.get(id));
    expect(await loadsOf("kept")).toBe(1);
  });

  it("a rate limit whose ledger is a Durable Object admits exactly its limit through two instances, and refuses after the process of the object was killed", async () => {
    const statuses = await Promise.all(
      Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? one : other).statusOf("/limited/a")),
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(20);
    await one.killAndRestart();
    // The memory of the restarted instance has no refusal: its ledger object has read the account from its disk.
    expect(await one.statusOf("/limited/b")).toBe(429);
  });

  it("a session in Durable Objects is found by both instances, outlives the process of the objects, and is found by neither after a revocation", async () => {
    const signIn = await one.send("POST", "/sessions/ada");
    expect(signIn.status).toBe(200);
    const cookie = signIn.headers.get("Set-Cookie")?.split(";")[0] ?? "";
    const userAt = async (instance: Instance): Promise<string> => {
      const response = await instance.send("GET", "/sessions/current", cookie);
      const text = await response.text();
      return response.status === 200 ? text : String(response.status);
    };
    expect([await userAt(one), await userAt(other)]).toEqual(["ada", "ada"]);
    await one.killAndRestart();
    for (const instance of [one, other])
      await until(
        () => userAt(instance),
        (user) => user === "ada",
        RECONNECT_MS,
      );
    const revoked = await other.send("DELETE", "/sessions/ada");
    expect(await revoked.json()).toBe(1);
    expect([await userAt(one), await userAt(other)]).toEqual(["401", "401"]);
    expect((await one.send("GET", "/sessions/current")).status).toBe(401);
  });
});
