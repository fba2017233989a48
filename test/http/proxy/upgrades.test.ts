import { describe, expect, it } from "vitest";
import { createProxy } from "../../conformance/proxy.ts";

const ASKING = { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Protocol": "chat" };

describe("WebSockets through the proxy", () => {
  it("after the origin answers a WebSocket request with a 101, messages pass between the client and the origin in both directions", async () => {
    const p = createProxy({ sharing: "safe" });
    const { 0: ours, 1: theirs } = new WebSocketPair();
    theirs.accept();
    theirs.addEventListener("message", ({ data }) => theirs.send(`echo ${String(data)}`));
    const headers = { "Sec-WebSocket-Protocol": "chat", "Sec-WebSocket-Accept": "x" };
    p.answers({ response: new Response(null, { status: 101, webSocket: ours, headers }) });
    const { response, settle } = await p.open({ headers: ASKING });
    const { webSocket } = response;
    expect([response.status, response.headers.get("Sec-WebSocket-Protocol")]).toEqual([
      101,
      "chat",
    ]);
    expect(response.headers.get("Cache-Status")).toBe("strata; fwd=bypass; fwd-status=101");
    expect(response.headers.get("X-Cache-Status")).toBe("BYPASS");
    webSocket?.accept();
    const answer = new Promise((resolve) =>
      webSocket?.addEventListener("message", ({ data }) => resolve(data)),
    );
    webSocket?.send("hello");
    expect(await answer).toBe("echo hello");
    webSocket?.close();
    await settle();
    const [seen] = p.seen;
    expect(
      ["Upgrade", "Sec-WebSocket-Protocol", "Sec-WebSocket-Key"].map((n) => seen?.headers.get(n)),
    ).toEqual(["websocket", "chat", null]);
  });

  it("a response other than 101 to a WebSocket request is relayed and not stored", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { "Cache-Control": "max-age=3600" } });
    expect((await p.get({ Upgrade: "WebSocket" })).body).toBe("1");
    expect((await p.get({ Upgrade: "websocket" })).body).toBe("2");
    expect((await p.get()).body).toBe("3");
  });

  it("a stored response does not answer a request for a WebSocket", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { "Cache-Control": "max-age=3600" } });
    await p.get();
    expect((await p.get(ASKING)).body).toBe("2");
  });

  it("the proxy removes the Upgrade field of a GET that asks for h2c and of a POST that asks for a WebSocket", async () => {
    const p = createProxy();
    p.answers({});
    await p.get({ Upgrade: "h2c", Connection: "Upgrade" });
    await p.send({ method: "POST", headers: { Upgrade: "websocket" } });
    expect(p.seen.map(({ headers }) => headers.get("Upgrade"))).toEqual([null, null]);
  });

  it("a client that did not ask for an upgrade gets a 502 if the origin answers with status 101", async () => {
    const p = createProxy();
    const { 0: ours, 1: theirs } = new WebSocketPair();
    theirs.accept();
    p.answers({ response: new Response(null, { status: 101, webSocket: ours }) });
    expect((await p.get()).status).toBe(502);
  });
});

describe("TRACE", () => {
  it("in safe mode, the proxy answers a TRACE request with a 405 and does not forward it", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({});
    const answer = await p.send({ method: "TRACE", headers: { "Max-Forwards": "0" } });
    expect([answer.status, p.seen.length]).toEqual([405, 0]);
    expect(answer.headers.get("Allow")).toBe("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    expect(answer.body).not.toContain("TRACE /x");
  });

  it("in rfc mode, the proxy forwards a TRACE request to the origin", async () => {
    const p = createProxy({ sharing: "rfc" });
    p.answers({});
    expect((await p.send({ method: "TRACE" })).status).toBe(200);
    expect(p.seen.length).toBe(1);
  });
});
