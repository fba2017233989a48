/** The option `encryption` of the whole layer. The cipher itself is tested in test/data/encryption.test.ts. */
import { describe, expect, it } from "vitest";
import { encryption, type EncryptionKey } from "../../src/entries/encryption.ts";
import { ConfigError, createStrata, definePolicy, key } from "../../src/index.ts";
import { env } from "cloudflare:workers";
import { redisCommand } from "../support/gateway.ts";
import { createTestIsolate, uniqueNamespace } from "../support/isolate.ts";

const POLICY = definePolicy({ freshFor: "5m", tags: ["users"] });
const USER = key("user", 7);
const SECRET = "Grace Hopper, 1906";
const ONE: EncryptionKey = { id: "one", key: new Uint8Array(32).fill(1) };
const TWO: EncryptionKey = { id: "two", key: new Uint8Array(32).fill(2) };

/** Opens an isolate. Without keys it stores plain text. */
function openIsolate(namespace: string, keys: readonly EncryptionKey[], region?: string) {
  const options = keys.length === 0 ? {} : { encryption: encryption({ keys }) };
  const isolate = createTestIsolate({ namespace, options, ...(region && { region }) });
  async function read(load: () => Promise<string> = async () => SECRET) {
    const { status, value } = await isolate.request().read(USER, POLICY, load);
    await isolate.settle();
    return { status, value };
  }
  return { ...isolate, read };
}

const inRedis = (namespace: string) =>
  redisCommand<string | undefined>("GET", `${namespace}:e:${USER}`);

async function inEdge(namespace: string): Promise<string | undefined> {
  const cache = await caches.open(namespace);
  const url = `https://strata.test/__strata/entries/${encodeURIComponent(USER)}`;
  return (await cache.match(url))?.text();
}

async function emptyEdge(namespace: string): Promise<void> {
  const cache = await caches.open(namespace);
  await cache.delete(`https://strata.test/__strata/entries/${encodeURIComponent(USER)}`);
}

describe("the option encryption of the whole layer", () => {
  it("an entry of the whole layer with the option encryption is ciphertext in the edge and in Redis, and a hit in both for an isolate with the key", async () => {
    const namespace = uniqueNamespace();
    await openIsolate(namespace, [ONE]).read();
    for (const text of [await inEdge(namespace), await inRedis(namespace)]) {
      expect(text).toContain("t:users");
      expect(text).not.toContain("Grace");
      expect(atob(text!.slice(text!.lastIndexOf("\n") + 1))).not.toContain("Grace");
    }
    expect(await openIsolate(namespace, [ONE]).read()).toEqual({
      status: "hit-edge",
      value: SECRET,
    });
    await emptyEdge(namespace);
    expect(await openIsolate(namespace, [ONE]).read()).toEqual({
      status: "hit-redis",
      value: SECRET,
    });
  });

  it("an entry of the whole layer is stored as it is without the option encryption", async () => {
    const namespace = uniqueNamespace();
    await openIsolate(namespace, []).read();
    expect(await inRedis(namespace)).toContain("Grace");
  });

  it("after a rotation of the keys, an entry of the whole layer is a hit while its key is listed, and a miss afterwards", async () => {
    const namespace = uniqueNamespace();
    await openIsolate(namespace, [ONE]).read();
    await emptyEdge(namespace);
    expect((await openIsolate(namespace, [TWO, ONE]).read()).status).toBe("hit-redis");
    await emptyEdge(namespace);
    expect((await openIsolate(namespace, [TWO]).read()).status).toBe("miss");
    expect((await openIsolate(namespace, [TWO]).read()).status).toBe("hit-edge");
  });

  it("a purge of a tag reaches the encrypted entries of the whole layer in every isolate", async () => {
    const namespace = uniqueNamespace();
    const [one, other] = [openIsolate(namespace, [ONE]), openIsolate(namespace, [ONE])];
    await one.read();
    await other.read();
    await one.layer.writer.purge({ tags: ["users"] }, one.request().ctx);
    other.clock.advance(2_000);
    expect(await other.read(async () => "new")).toEqual({ status: "miss", value: "new" });
  });

  it("an isolate of the whole layer with the option encryption gets the result of another isolate's load from the flight object", async () => {
    const namespace = uniqueNamespace();
    const loading = Promise.withResolvers<string>();
    let loads = 0;
    const load = (): Promise<string> => {
      loads++;
      return loading.promise;
    };
    const leader = openIsolate(namespace, [ONE]).read(load);
    await expect.poll(() => loads).toBe(1);
    const follower = openIsolate(namespace, [ONE]);
    const followed = follower.read(load);
    await expect
      .poll(() =>
        follower.events.some(({ type }) => type === "durable.end" || type === "redis.end"),
      )
      .toBe(true);
    loading.resolve(SECRET);
    expect(await leader).toEqual({ status: "miss", value: SECRET });
    expect((await followed).value).toBe(SECRET);
    expect(loads).toBe(1);
  });

  it("createStrata(env, { encryption }) with anything but the result of encryption() is an error that names the option", () => {
    for (const wrong of [{ keys: [ONE] }, null, "key"]) {
      const create = () => createStrata(env, { encryption: wrong as never });
      expect(create).toThrow(ConfigError);
      expect(create).toThrow("encryption: wrong");
    }
  });
});
