/** Express with sessions, CSRF tokens, compression, static files and a socket, behind the proxy. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  startApplication,
  visitAtOnce,
  visitInTurn,
  type Application,
} from "./support/application.ts";
import { differences, leaks } from "./support/compare.ts";
import type { Exchange, Visitor } from "./support/visitor.ts";

let app: Application;
beforeAll(async () => {
  app = await startApplication({ command: ["shop/server.js"] });
});
afterAll(() => app.stop());

/** The last two give each visitor a session. */
const PAGES = ["/careless", "/careless/modified", "/", "/catalog"] as const;

/** The CSRF token in a page. */
function tokenIn(visitor: Visitor, { text }: Exchange): string {
  const token = /name="_csrf" value="([^"]+)"/.exec(text)?.[1];
  if (token === undefined) throw new Error(`no token in ${text}`);
  return visitor.keepSecret(token);
}

async function visit(visitor: Visitor): Promise<void> {
  const { name, ask } = visitor;
  const identity = { headers: { "Accept-Encoding": "identity" } };

  // A stranger without a session.
  for (const path of PAGES) await ask(path);
  await ask("/account");
  const _csrf = tokenIn(visitor, await ask("/login"));
  await ask("/login", { method: "POST", form: { user: name } });
  await ask("/login", { method: "POST", form: { user: name, _csrf } });
  const account = await ask("/account");
  await ask("/account.json");

  // The same pages again: they are the user's own now.
  for (const path of PAGES) {
    const { answer } = await ask(path);
    await ask(path, identity);
    await ask(path, { method: "HEAD" });
    await ask(path, { headers: { "If-None-Match": answer.headers.etag } });
    await ask(path, { headers: { "If-None-Match": '"other"' } });
  }

  const token = tokenIn(visitor, account);
  const note = { note: `${name} needs a lamp`, _csrf: token };
  await ask("/notes", { method: "POST", form: note });
  tokenIn(visitor, await ask("/account"));
  await ask("/account.json", identity);
  await ask("/notes", { method: "DELETE", headers: { "CSRF-Token": token } });
  await ask("/account.json");

  for (const path of ["/static/site.css", "/static/terms.txt", "/terms.txt", "/download"]) {
    const { answer } = await ask(path);
    const { etag, "last-modified": modified } = answer.headers;
    await ask(path, identity);
    await ask(path, { method: "HEAD" });
    await ask(path, { headers: { Range: "bytes=10-49", "Accept-Encoding": "identity" } });
    await ask(path, { headers: { Range: "bytes=99999-", "Accept-Encoding": "identity" } });
    await ask(path, { headers: { Range: "bytes=-10", "Accept-Encoding": "identity" } });
    await ask(path, { headers: { "If-None-Match": etag } });
    await ask(path, { headers: { "If-Modified-Since": modified } });
    await ask(path, { headers: { "Cache-Control": "no-cache" } });
  }
  await ask("/static");
  await ask("/static/");
  await ask("/static/missing.css");
  await ask("/missing");
  await ask("/old");
  await ask("/events");
  await ask("/broken");
  await ask("/%E0%A4%A");
  await ask("/catalog", { method: "OPTIONS", headers: { "CSRF-Token": token } });
  await ask("/catalog", { method: "PUT", headers: { "CSRF-Token": token } });

  await ask("/logout", { method: "POST", form: { _csrf: token } });
  await ask("/account");
  await ask("/careless");
}

describe("an Express application behind the proxy", () => {
  it("each answer of the Express application equals the direct one when its visitors come in turn", async () => {
    const pairs = await visitInTurn(app, visit);
    expect(pairs.flatMap(({ direct, proxied }) => differences(direct, proxied))).toEqual([]);
    expect(leaks(pairs.map(({ proxied }) => proxied))).toEqual([]);
  });

  it("each answer of the Express application equals the direct one when its visitors come at once", async () => {
    const pairs = await visitAtOnce(app, visit);
    expect(pairs.flatMap(({ direct, proxied }) => differences(direct, proxied))).toEqual([]);
    expect(leaks(pairs.map(({ proxied }) => proxied))).toEqual([]);
  });
});

