import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { ConfigError, type Bindings } from "../../../src/index.ts";
import { readConfig } from "../../../src/config.ts";
import { logKeysOfPurge } from "../../../src/core/invalidation-key.ts";
import type { PurgeTargets } from "../../../src/core/invalidation-key.ts";
import { createProxy, type Proxy } from "../../conformance/proxy.ts";
import { createTestIsolate } from "../../support/isolate.ts";

const FRESH = { "Cache-Control": "max-age=3600" };

/** Purges in another isolate, and waits until this isolate must know of it. */
async function purge(p: Proxy, targets: PurgeTargets): Promise<void> {
  const other = createTestIsolate({ namespace: p.layer.config.namespace });
  const done = await other.layer.coherence.invalidate(logKeysOfPurge(targets), other.request().ctx);
  expect(done.ok, "the log acknowledged the purge").toBe(true);
  p.advance(1.1);
}

describe("purges of proxied responses", () => {
  const origin = (host: string): string => encodeURIComponent(`http://${host}`);

  it.each([
    ["by surrogate key", () => ({ tags: ["one"] })],
    ["by cache tag", () => ({ tags: ["three"] })],
    ["by cache group", (host: string) => ({ tags: [`group http://${host} four`] })],
    [
      "by key",
      (host: string) => ({ keys: [`origin:${origin(host)}:${origin("origin.test")}%2Fx`] }),
    ],
    ["by the origin's prefix", (host: string) => ({ prefixes: [`origin:${origin(host)}:`] })],
    ["of everything", () => ({ everything: true })],
  ] as const)("a purge %s invalidates all variants of a proxied response", async (_, targets) => {
    const p = createProxy();
    p.answers({
      headers: {
        ...FRESH,
        Vary: "Foo",
        "Surrogate-Key": "zero one",
        "Cache-Tag": "two, three",
        "Cache-Groups": '"four"',
      },
    });
    const send = (Foo: string) => p.send({ host: "a.test", path: "/x", headers: { Foo } });
    await send("1");
    await send("2");
    expect((await send("1")).cache).toBe("HIT");
    await purge(p, targets("a.test"));
    await send("1");
    await send("2");
    expect(p.seen.length).toBe(4);
  });

  it("after a purge, concurrent requests for two variants with the same entity tag both get a 200, although the origin can send a 304", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers((request) => {
      const headers = { ...FRESH, Vary: "Foo", ETag: '"a"', "Cache-Tag": "one" };
      const isSame = request.headers.get("If-None-Match")?.includes('"a"') === true;
      return isSame ? { status: 304, headers } : { headers, body: "page" };
    });
    const both = () => Promise.all([p.get({ Foo: "1" }), p.get({ Foo: "2" })]);
    await both();
    await purge(p, { tags: ["one"] });
    const answers = await both();
    expect(answers.map(({ status, body }) => [status, body])).toEqual([
      [200, "page"],
      [200, "page"],
    ]);
  });

  it("a soft purge makes the proxy revalidate the response", async () => {
    const p = createProxy();
    p.answers(
      { headers: { ...FRESH, ETag: '"a"', "Surrogate-Key": "one" } },
      { status: 304, headers: { ...FRESH, ETag: '"a"' } },
    );
    await p.get();
    await purge(p, { tags: ["one"], soft: true });
    expect((await p.get()).cache).toBe("REVALIDATED");
    expect((await p.get()).cache).toBe("HIT");
    expect(p.seen.length).toBe(2);
  });

  it("the proxy ignores invalid names in Cache-Tag and Surrogate-Key, and stores the valid tags", async () => {
    const p = createProxy();
    p.answers({
      headers: { ...FRESH, "Cache-Tag": `${"x".repeat(300)}, ok`, "Surrogate-Key": "  " },
    });
    await p.get();
    expect((await p.get()).cache).toBe("HIT");
    await purge(p, { tags: ["ok"] });
    await p.get();
    expect(p.seen.length).toBe(2);
  });
});

const read = (more: Partial<Bindings>) => () =>
  readConfig({ ...(env as unknown as Bindings), ...more });

describe("the variables of the proxy", () => {
  it.each([
    ["ORIGIN_URL", { ORIGIN_URL: "origin.example" }],
    ["ORIGIN_URL", { ORIGIN_URL: "ftp://origin.example" }],
    ["ORIGIN_URL", { ORIGIN_AT_ROOT: "1" }],
    ["ORIGIN_AT_ROOT", { ORIGIN_URL: "http://origin.example", ORIGIN_AT_ROOT: "yes" }],
    ["ORIGIN_SHARING", { ORIGIN_SHARING: "unsafe" }],
    ["ORIGIN_CREDENTIAL_HEADERS", { ORIGIN_CREDENTIAL_HEADERS: "X-Session; X-Token" }],
  ])(
    "the proxy's configuration fails with a ConfigError that names %s for the environment variables %j",
    (name, bindings) => {
      expect(read(bindings)).toThrow(ConfigError);
      expect(read(bindings)).toThrow(name);
    },
  );

  it("the proxy's configuration has the values of the environment variables ORIGIN_URL and ORIGIN_AT_ROOT if both are valid", () => {
    const config = read({ ORIGIN_URL: "http://origin.example/base", ORIGIN_AT_ROOT: "1" })();
    expect([config.originUrl, config.originAtRoot]).toEqual(["http://origin.example/base", true]);
  });
});

describe("the sharing mode in the configuration", () => {
  it("the proxy's configuration has the sharing mode `safe` and no list of credential headers if no environment variable sets them", () => {
    const { originSharing, originCredentialHeaders } = read({})();
    expect([originSharing, originCredentialHeaders]).toEqual(["safe", undefined]);
  });

  it("the proxy's configuration has the values of the environment variables ORIGIN_SHARING and ORIGIN_CREDENTIAL_HEADERS", () => {
    const config = read({ ORIGIN_SHARING: "rfc", ORIGIN_CREDENTIAL_HEADERS: "X-Session, X-Sid" })();
    expect(config.originSharing).toBe("rfc");
    expect(config.originCredentialHeaders).toEqual(["X-Session", "X-Sid"]);
  });

  it("an empty environment variable ORIGIN_CREDENTIAL_HEADERS configures an empty list of credential headers", () => {
    expect(read({ ORIGIN_CREDENTIAL_HEADERS: "" })().originCredentialHeaders).toEqual([]);
  });
});

describe("the proxy under a prefix", () => {
  it("the proxy forwards paths without its prefix, and invalidates a URI that Location names with or without the prefix", async () => {
    const p = createProxy({ prefix: "/origin" });
    p.answers({ headers: FRESH });
    await p.send({ host: "a.test", path: "/origin/y?a=1" });
    await p.send({ host: "a.test", path: "/origin" });
    expect(p.seen.map(({ url }) => url)).toEqual([
      "http://origin.test/y?a=1",
      "http://origin.test/",
    ]);
    for (const location of ["/y?a=1", "http://origin.test/y?a=1", "http://a.test/origin/y?a=1"]) {
      p.answers({ headers: { Location: location } });
      await p.send({ host: "a.test", path: "/origin/z", method: "POST" });
      p.answers({ headers: FRESH });
      expect((await p.send({ host: "a.test", path: "/origin/y?a=1" })).cache, location).toBe(
        "MISS",
      );
    }
  });
});

describe("a response to POST that a GET would return", () => {
  const post = (p: Proxy) => p.send({ method: "POST", path: "/x", body: "new" });

  function createProxyWithPost(): Proxy {
    const p = createProxy({ sharing: "rfc" });
    p.answers((request) => ({
      headers: {
        ...FRESH,
        "Cache-Tag": "one",
        ...(request.method === "POST" && { "Content-Location": "/x" }),
      },
      body: request.method,
    }));
    return p;
  }

  it("in rfc mode, a response to POST with the request URI in Content-Location answers the next GET from the cache", async () => {
    const p = createProxyWithPost();
    await p.get();
    await post(p);
    expect(await p.get()).toMatchObject({ cache: "HIT", body: "POST" });
  });

  // The log view of the proxy is older than the purge, as if the purge came while the POST runs.
  it.each([
    ["the namespace", { everything: true }],
    ["its tag", { tags: ["one"] }],
    ["its tag, softly", { tags: ["one"], soft: true }],
  ] as const)(
    "in rfc mode, a response to POST is not stored if a purge takes place while the POST runs: purge of %s",
    async (_what, targets) => {
      const p = createProxyWithPost();
      await p.get();
      const other = createTestIsolate({ namespace: p.layer.config.namespace });
      await other.layer.coherence.invalidate(logKeysOfPurge(targets), other.request().ctx);
      await post(p);
      expect(await p.get()).toMatchObject({ cache: "MISS", body: "GET" });
    },
  );
});
