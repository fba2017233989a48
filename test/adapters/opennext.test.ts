import { afterEach, describe, expect, it } from "vitest";
import { openNext, openNextQueue } from "../../src/entries/opennext.ts";
import { loseNetwork, restoreNetwork } from "../support/network.ts";
import { createIsolates, WINDOW_MS } from "./isolates.ts";

afterEach(restoreNetwork);

const page = (html: string, ...tags: string[]) => ({
  type: "app",
  html,
  meta: { headers: { "x-next-cache-tags": tags.join(",") } },
});

function setup() {
  const isolates = createIsolates();
  const open = (buildId = "b1") => openNext(isolates.start().strata, { buildId });
  const pass = () => isolates.clock.advance(WINDOW_MS);
  return { isolates, open, pass, here: open(), away: open() };
}

describe("the incremental cache for OpenNext", () => {
  it("a page that one isolate sets is read by another, and its replacement within the coherence bound", async () => {
    const { here, away, pass } = setup();
    expect(await here.incrementalCache.get("/a")).toBeNull();
    await here.incrementalCache.set("/a", page("one"));
    expect((await away.incrementalCache.get("/a"))?.value).toEqual(page("one"));
    await here.incrementalCache.set("/a", page("two"));
    pass();
    expect((await away.incrementalCache.get("/a"))?.value).toEqual(page("two"));
  });

  it("a page, a fetch and a function result of the same name are three entries, and another build has none of them", async () => {
    const { here, open } = setup();
    await here.incrementalCache.set("x", page("page"));
    await here.incrementalCache.set("x", { kind: "FETCH", data: { body: "" } }, "fetch");
    expect((await here.incrementalCache.get("x", "fetch"))?.value).toMatchObject({ kind: "FETCH" });
    expect(await here.incrementalCache.get("x", "composable")).toBeNull();
    expect(await open("b2").incrementalCache.get("x")).toBeNull();
  });

  it("a page that is deleted is not read any more", async () => {
    const { here, away, pass } = setup();
    await here.incrementalCache.set("/a", page("one"));
    await away.incrementalCache.get("/a");
    await here.incrementalCache.delete("/a");
    pass();
    expect(await here.incrementalCache.get("/a")).toBeNull();
    expect(await away.incrementalCache.get("/a")).toBeNull();
  });

  it("a page that was begun before revalidateTag in another isolate, and is set after it, is not stored", async () => {
    const { here, away, pass } = setup();
    await here.incrementalCache.get("/a");
    await away.tagCache.writeTags(["products"]);
    await here.incrementalCache.set("/a", page("old", "products"));
    expect(await here.incrementalCache.get("/a")).toBeNull();
    await here.incrementalCache.set("/a", page("new", "products"));
    pass();
    expect((await away.incrementalCache.get("/a"))?.value).toEqual(page("new", "products"));
  });

  it("of two renders of a page, the one that was begun before revalidateTag is not stored, also if it ends last", async () => {
    const { here, away } = setup();
    await here.incrementalCache.get("/a");
    await away.tagCache.writeTags(["products"]);
    await here.incrementalCache.get("/a");
    await here.incrementalCache.set("/a", page("either", "products"));
    expect(await here.incrementalCache.get("/a")).toBeNull();
  });

  it("set fails while Redis cannot be reached", async () => {
    const { here } = setup();
    await here.incrementalCache.get("/a");
    loseNetwork();
    await expect(here.incrementalCache.set("/a", page("one"))).rejects.toThrow("redis.");
  });
});

describe("the tag cache for OpenNext", () => {
  it("pages of a tag are gone after revalidateTag, within the coherence bound in other isolates, and other pages stay", async () => {
    const { here, away, pass } = setup();
    await here.incrementalCache.set("/a", page("a", "products", "_N_T_/a"));
    await here.incrementalCache.set("/b", page("b", "users"));
    await away.incrementalCache.get("/a");
    await here.tagCache.writeTags(["products"]);
    pass();
    expect(await here.incrementalCache.get("/a")).toBeNull();
    expect(await away.incrementalCache.get("/a")).toBeNull();
    expect((await away.incrementalCache.get("/b"))?.value).toEqual(page("b", "users"));
  });

  it("a tag counts as revalidated for entries of before the revalidation and not for later ones", async () => {
    const { here, away, pass } = setup();
    const before = Date.now() - 1_000;
    await here.tagCache.writeTags([{ tag: "_N_T_/a" }]);
    pass();
    expect(await away.tagCache.hasBeenRevalidated(["users", "_N_T_/a"], before)).toBe(true);
    expect(await away.tagCache.hasBeenRevalidated(["_N_T_/a"], Date.now() + 5_000)).toBe(false);
    expect(await away.tagCache.hasBeenRevalidated(["users"], before)).toBe(false);
    expect(await away.tagCache.hasBeenRevalidated([], before)).toBe(false);
  });

  it("getLastRevalidated is the instant of the latest revalidation of the tags, and 0 if there was none", async () => {
    const { here, away } = setup();
    expect(await away.tagCache.getLastRevalidated(["a", "b"])).toBe(0);
    await here.tagCache.writeTags(["b"]);
    const at = await away.tagCache.getLastRevalidated(["a", "b"]);
    expect(Math.abs(at - Date.now())).toBeLessThan(60_000);
    expect(await away.tagCache.getLastRevalidated([])).toBe(0);
  });

  it("while Redis cannot be reached, an isolate without a log view does not call a tag unchanged, but fails", async () => {
    const { open } = setup();
    const { tagCache } = open();
    loseNetwork();
    await expect(tagCache.hasBeenRevalidated(["a"], Date.now())).rejects.toThrow("redis.");
    await expect(tagCache.getLastRevalidated(["a"])).rejects.toThrow("redis.");
  });

  it("with an expire that is to come, pages of the tag are still read, and the tag counts as stale and not as revalidated", async () => {
    const { here, away, isolates, pass } = setup();
    await here.incrementalCache.set("/a", page("a", "products"));
    const before = Date.now() - 1_000;
    const now = isolates.clock.now();
    await here.tagCache.writeTags([{ tag: "products", stale: now, expire: now + 60_000 }]);
    pass();
    expect((await away.incrementalCache.get("/a"))?.value).toEqual(page("a", "products"));
    expect(await away.tagCache.isStale(["products"], before)).toBe(true);
    expect(await away.tagCache.hasBeenRevalidated(["products"], before)).toBe(false);
    expect(await away.tagCache.isStale(["users"], before)).toBe(false);
  });
});

describe("the queue for OpenNext", () => {
  const message = (id = "1") => ({
    MessageDeduplicationId: id,
    MessageBody: { host: "shop.example", url: "/a?b=1" },
  });

  function openQueue(answer: () => Response, previewModeId: string | undefined = "secret") {
    const sent: [string, RequestInit][] = [];
    const isolates = createIsolates();
    const start = () =>
      openNextQueue(isolates.start().strata, {
        fetch: async (url, init) => {
          sent.push([url, init]);
          return answer();
        },
        previewModeId: () => previewModeId,
      });
    return { sent, start, queue: start() };
  }
  const rendered = () => new Response(null, { headers: { "x-nextjs-cache": "REVALIDATED" } });

  it("a message makes the request by which Next.js renders a page again", async () => {
    const { queue, sent } = openQueue(rendered);
    await queue.send(message());
    expect(sent).toHaveLength(1);
    expect(sent[0]?.[0]).toBe("https://shop.example/a?b=1");
    expect(sent[0]?.[1]).toMatchObject({
      method: "HEAD",
      headers: { "x-prerender-revalidate": "secret", "x-isr": "1" },
    });
  });

  it("equal messages at the same time, and later ones, make one request, and another message makes its own", async () => {
    const { queue, sent } = openQueue(rendered);
    await Promise.all([queue.send(message()), queue.send(message()), queue.send(message())]);
    await queue.send(message());
    expect(sent).toHaveLength(1);
    await queue.send(message("2"));
    expect(sent).toHaveLength(2);
  });

  it.each([
    ["a status other than 200", () => new Response(null, { status: 500 })],
    ["another state of the page", () => new Response(null)],
  ])(
    "a render that answers with %s is a failure, and its message does not count as done",
    async (_, answer) => {
      const { queue, start, sent } = openQueue(answer);
      await expect(queue.send(message())).rejects.toThrow("not rendered");
      await expect(start().send(message())).rejects.toThrow("not rendered");
      expect(sent).toHaveLength(2);
    },
  );
});
