/** json-server behind the proxy: a REST API with links to its own address, and writes. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startApplication, visitAtOnce, visitInTurn } from "./support/application.ts";
import type { Application } from "./support/application.ts";
import { faultsIn } from "./support/compare.ts";
import type { Visitor } from "./support/visitor.ts";

let app: Application;
beforeAll(async () => {
  app = await startApplication({ command: ["json-server/server.js"] });
});
afterAll(() => app.stop());

const READS = [
  "/",
  "/posts",
  "/posts/1",
  "/posts/1/comments",
  "/posts?_page=2&_limit=10",
  "/posts?title_like=Post%201&_sort=title&_order=desc",
  "/profile",
  "/missing",
  "/posts/missing",
] as const;

async function visit({ name, keepSecret, ask }: Visitor): Promise<void> {
  for (const path of READS) {
    const { answer } = await ask(path);
    await ask(path, { headers: { "Accept-Encoding": "identity" } });
    await ask(path, { method: "HEAD" });
    await ask(path, { headers: { "If-None-Match": answer.headers.etag } });
    await ask(path, { headers: { Origin: "http://app.example" } });
  }
  const preflight = { Origin: "http://app.example", "Access-Control-Request-Method": "PUT" };
  await ask("/posts/1", { method: "OPTIONS", headers: preflight });

  const id = keepSecret(randomBytes(8).toString("hex"));
  const json = { "Content-Type": "application/json" };
  const note = (text: string) => JSON.stringify({ id, author: name, text });
  await ask("/notes", { method: "POST", headers: json, body: note("a lamp") });
  await ask(`/notes/${id}`);
  await ask(`/notes?id=${id}`);
  await ask(`/notes/${id}`, { method: "PUT", headers: json, body: note("two lamps") });
  await ask(`/notes/${id}`);
  await ask(`/notes/${id}`, { method: "PATCH", headers: json, body: '{"done":true}' });
  await ask(`/notes/${id}`);
  await ask("/notes", { method: "POST", headers: json, body: "no JSON" });
  await ask(`/notes/${id}`, { method: "DELETE" });
  await ask(`/notes/${id}`);
}

describe("json-server behind the proxy", () => {
  it("responses of json-server through the proxy equal direct responses when visitors come one after the other", async () => {
    expect(faultsIn(await visitInTurn(app, visit))).toEqual([]);
  });

  it("responses of json-server through the proxy equal direct responses when visitors come concurrently", async () => {
    expect(faultsIn(await visitAtOnce(app, visit))).toEqual([]);
  });

  it("the Link field of a json-server response through the proxy contains only URLs of the proxy", async () => {
    const response = await fetch(`${app.proxied}/posts?_page=2&_limit=10`);
    await response.body?.cancel();
    const links = response.headers.get("Link")?.match(/<[^>]*>/g) ?? [];
    expect(links.length).toBe(4);
    expect(links.filter((link) => !link.startsWith(`<${app.proxied}/posts?`))).toEqual([]);
  });
});
