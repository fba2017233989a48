/** Express with sessions, CSRF tokens, compression, static files and a socket, behind the proxy. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { io } from "socket.io-client";
import { startApplication, visitAtOnce, visitInTurn } from "./support/application.ts";
import type { Application } from "./support/application.ts";
import { faultsIn } from "./support/compare.ts";
import { createVisitor, type Exchange, type Visitor } from "./support/visitor.ts";

const SHOP = { command: ["shop/server.js"] };

let app: Application;
beforeAll(async () => {
  app = await startApplication(SHOP);
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

async function logIn(visitor: Visitor): Promise<string> {
  const _csrf = tokenIn(visitor, await visitor.ask("/login"));
  await visitor.ask("/login", { method: "POST", form: { user: visitor.name, _csrf } });
  return _csrf;
}

async function visit(visitor: Visitor): Promise<void> {
  const { name, ask } = visitor;
  const identity = { headers: { "Accept-Encoding": "identity" } };

  // A stranger without a session.
  for (const path of PAGES) await ask(path);
  await ask("/account");
  await ask("/login", { method: "POST", form: { user: name } });
  await logIn(visitor);
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
  it("responses of an Express application through the proxy equal direct responses when visitors come one after the other", async () => {
    expect(faultsIn(await visitInTurn(app, visit))).toEqual([]);
  });

  it("responses of an Express application through the proxy equal direct responses when visitors come concurrently", async () => {
    expect(faultsIn(await visitAtOnce(app, visit))).toEqual([]);
  });

  it("the comparison of proxied with direct responses detects that the sharing mode `rfc` serves a visitor's private page to another visitor", async () => {
    const careless = await startApplication({ ...SHOP, sharing: "rfc" });
    try {
      const faults = await visitInTurn(careless, visit).then(faultsIn);
      expect(faults.join("\n")).toContain("Brunhild sees Adalbert of Adalbert: GET /careless");
    } finally {
      await careless.stop();
    }
  });
});

/** The user for whom the application takes a socket, and the transport that carried the answer. */
async function whoami(
  base: string,
  cookie: string,
  transports: readonly string[],
): Promise<{ user: unknown; transport: string }> {
  const options = { extraHeaders: { Cookie: cookie }, forceNew: true, reconnection: false };
  const socket = io(base, { transports, ...options });
  const transport = (): string => socket.io.engine.transport.name;
  try {
    const user = await socket.timeout(30_000).emitWithAck("whoami");
    // A connection begins with the first transport, and changes to the last one.
    await expect.poll(transport, { timeout: 30_000 }).toBe(transports.at(-1));
    return { user, transport: transport() };
  } finally {
    socket.close();
  }
}

describe("Socket.IO behind the proxy", () => {
  it.each([[["polling"]], [["websocket"]], [["polling", "websocket"]]])(
    "Socket.IO identifies the session of each visitor who connects through the proxy with the transports %j",
    async (transports) => {
      const users = ["Adalbert", "Brunhild", undefined];
      const answers = await Promise.all(
        users.map(async (name) => {
          const visitor = createVisitor(name ?? "stranger", app.proxied);
          if (name !== undefined) await logIn(visitor);
          return whoami(app.proxied, visitor.cookie(), transports);
        }),
      );
      const transport = transports.at(-1);
      expect(answers).toEqual(users.map((user) => ({ user: user ?? null, transport })));
    },
  );
});
