/** A production build of Next behind the proxy, with the cache handler that docs/guides/before-next-nuxt-astro.md shows. */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startApplication, visitAtOnce, visitInTurn } from "./support/application.ts";
import type { Application } from "./support/application.ts";
import { faultsIn } from "./support/compare.ts";
import { createVisitor, type Visitor } from "./support/visitor.ts";

/** Next keeps pages on disk: each run has pages of its own. */
const RUN = Date.now();

/** The source of the news: its text counts the requests that Next has sent. */
let source: Server;
let edition = 1;
let app: Application;

beforeAll(async () => {
  source = createServer((request, response) =>
    response.end(`Edition ${edition} of ${request.url}`),
  );
  source.listen(0, "127.0.0.1");
  await once(source, "listening");
  const { port } = source.address() as AddressInfo;
  app = await startApplication({
    command: ["../node_modules/next/dist/bin/next", "start", "--hostname", "127.0.0.1"],
    cwd: "next",
    env: ({ urls, adminToken }) => ({
      NEWS_URL: `http://127.0.0.1:${port}`,
      STRATA_PURGE_URL: `${urls[0]}/__strata/admin/purge`,
      STRATA_ADMIN_TOKEN: adminToken,
    }),
  });
  // Next makes this page at its first request.
  await fetch(`${app.direct}/news/visited`);
});
afterAll(async () => {
  await app.stop();
  source.close();
});

function scriptIn(html: string): string {
  return /\/_next\/static\/[^"]+\.js/.exec(html)?.[0] ?? "no script";
}

async function visit({ name, base, ask }: Visitor): Promise<void> {
  const identity = { "Accept-Encoding": "identity" };
  const home = await ask("/");
  await ask("/account");
  await ask("/streamed");
  await ask("/login", { method: "POST", form: { user: name } });

  for (const path of ["/", "/isr", "/news/visited", "/account", "/streamed", "/missing"]) {
    const { answer } = await ask(path);
    await ask(path, { headers: identity });
    await ask(path, { method: "HEAD" });
    await ask(path, { headers: { "If-None-Match": answer.headers.etag ?? '"none"' } });
    // What the router of Next sends for a link. Next redirects to the URL with the hash of these fields.
    const router = { RSC: "1", "Next-Router-Prefetch": "1" };
    const redirected = await ask(path, { headers: router });
    const { location } = redirected.answer.headers;
    if (location !== undefined) await ask(location, { headers: router });
  }

  for (const path of [scriptIn(home.text), "/logo.svg"]) {
    const { answer } = await ask(path);
    await ask(path, { headers: { ...identity, Range: "bytes=2-9" } });
    await ask(path, { headers: { "If-None-Match": answer.headers.etag ?? '"none"' } });
  }

  // A form of a server action, without scripts. Next compares Origin with the host of the request.
  const form = await ask("/profile");
  const action = /name="(\$ACTION_ID_[^"]+)"/.exec(form.text)?.[1] ?? "no action";
  const boundary = "----form";
  const body = [
    [action, ""],
    ["nickname", "the Great"],
  ]
    .map(
      (field) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${field[0]}"\r\n\r\n${field[1]}\r\n`,
    )
    .join("");
  await ask("/profile", {
    method: "POST",
    headers: { Origin: base, "Content-Type": `multipart/form-data; boundary=${boundary}` },
    body: `${body}--${boundary}--\r\n`,
  });
  await ask("/profile");
}

/** The news as a visitor of the proxy sees it. */
async function read(slug: string): Promise<{ text: string; cache: string | null }> {
  const response = await fetch(`${app.proxied}/news/${slug}`);
  const text = /Edition \d+/.exec(await response.text())?.[0] ?? "no edition";
  return { text, cache: response.headers.get("X-Cache-Status") };
}

async function revalidate(what: object): Promise<void> {
  const response = await fetch(`${app.direct}/revalidate`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(what),
  });
  expect(response.status).toBe(200);
}

describe("Next behind the proxy", () => {
  it("responses of Next.js through the proxy equal direct responses when visitors come one after the other", async () => {
    expect(faultsIn(await visitInTurn(app, visit))).toEqual([]);
  });

  it("responses of Next.js through the proxy equal direct responses when visitors come concurrently", async () => {
    expect(faultsIn(await visitAtOnce(app, visit))).toEqual([]);
  });

  it.each([
    ["/", "HIT"],
    ["/isr", "HIT"],
    ["/news/visited", "HIT"],
    ["/account", "BYPASS"],
    ["/streamed", "BYPASS"],
    ["/logo.svg", "REVALIDATED"],
    ["a script", "HIT"],
    ["an RSC request", "HIT"],
  ])(
    "when a logged-in user requests %s of a Next.js site through the proxy again, the response has X-Cache-Status: %s",
    async (what, cache) => {
      const { ask } = createVisitor("Adalbert", app.proxied);
      await ask("/login", { method: "POST", form: { user: "Adalbert" } });
      const request = what === "an RSC request" ? { headers: { RSC: "1" } } : {};
      let path = what;
      if (what === "a script") path = scriptIn((await ask("/")).text);
      if (what === "an RSC request")
        path = (await ask("/isr", request)).answer.headers.location ?? "";
      await ask(path, request);
      // The first response may be on its way into the cache.
      await expect.poll(async () => (await ask(path, request)).answer.cache).toBe(cache);
    },
  );

  it("docs/guides/before-next-nuxt-astro.md contains the code of the cache handler and of the configuration of the tested Next.js site", () => {
    const read = (path: string): string => readFileSync(`${import.meta.dirname}/${path}`, "utf8");
    const guide = read("../../docs/guides/before-next-nuxt-astro.md");
    const config = read("next/next.config.js");
    expect(guide).toContain(read("next/strata-cache-handler.js"));
    expect(guide).toContain(config.slice(config.indexOf("  cacheHandler:")));
  });

  it.each([
    ["revalidateTag with an expiry of 0", "tag-0", { tag: "news", profile: { expire: 0 } }],
    ["revalidateTag with the profile max", "tag-max", { tag: "news", profile: "max" }],
    ["revalidatePath", "path", { path: `/news/path${RUN}` }],
  ])(
    "after a call of %s, the proxy serves the new Next.js page before the s-maxage of the old page expires",
    async (_, name, what) => {
      const slug = `${name}${RUN}`;
      const before = `Edition ${edition}`;
      await read(slug);
      await expect.poll(() => read(slug)).toEqual({ text: before, cache: "HIT" });
      edition += 1;
      expect((await read(slug)).text).toBe(before);
      await revalidate(what);
      const after = `Edition ${edition}`;
      await expect
        .poll(() => read(slug), { timeout: 20_000 })
        .toEqual({ text: after, cache: "HIT" });
    },
  );

  it.each([
    ['revalidatePath("/")', { path: "/" }],
    ['revalidatePath("/", "layout")', { path: "/", type: "layout" }],
  ])(
    "after a call of %s, the proxy does not serve the stored Next.js home page as a HIT",
    async (_, what) => {
      const { ask } = createVisitor("Adalbert", app.proxied);
      const cache = async (): Promise<string> => (await ask("/")).answer.cache;
      await expect.poll(cache, { timeout: 20_000 }).toBe("HIT");
      await revalidate(what);
      await expect.poll(cache, { timeout: 20_000 }).not.toBe("HIT");
    },
  );
});
