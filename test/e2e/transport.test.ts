/** What the pass-through does with connections, streams and request targets, over real connections. */
import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { ask } from "./support/ask.ts";
import { FRESH, type PassThrough } from "./support/pass-through.ts";
import { sendRaw } from "./support/raw.ts";
import { products } from "./support/shared-products.ts";

let through: PassThrough;
products.beforeAll(({ passThrough }) => void (through = passThrough));

describe("WebSockets through the product", () => {
  it("the proxy connects a WebSocket to the origin with the requested subprotocol, and forwards messages in both directions", async () => {
    const socket = new WebSocket(`${through.at(0).replace("http", "ws")}/socket`, "chat");
    const next = (type: string) =>
      new Promise<Event>((resolve, reject) => {
        socket.addEventListener(type, resolve, { once: true });
        socket.addEventListener("error", () => reject(new Error("the WebSocket failed")));
      });
    await next("open");
    expect(socket.protocol).toBe("chat");
    for (const text of ["one", "two"]) {
      const answer = next("message");
      socket.send(text);
      expect(((await answer) as MessageEvent).data).toBe(`echo ${text}`);
    }
    const closed = next("close");
    socket.close();
    await closed;
  });
});

/** The targets that reach the origin if a client sends exactly `target`. */
async function targetsOf(target: string): Promise<readonly string[]> {
  const before = through.origin.targets.length;
  await sendRaw(through.at(0), `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return through.origin.targets.slice(before);
}

describe("request targets that the runtime rewrites", () => {
  it.each([
    ["/t/%6f%2F%2f?a=%6f&b", "/t/%6f%2F%2f?a=%6f&b"],
    ["/t//x/", "/t//x/"],
    ["/t/./a/../x", "/t/x"],
    ["/t/a/%2e%2E/x", "/t/x"],
    ["/t/a/.%2e/x", "/t/x"],
    ["/t\\x", "/t/x"],
    ['/t/"', "/t/%22"],
    ["/t/{}", "/t/%7B%7D"],
    ["/t/|^x", "/t/|%5Ex"],
    ["/t/x?'", "/t/x?%27"],
    ["/t/x?`{}|^\\", "/t/x?`{}|^\\"],
    ["/t/x#y", "/t/x"],
  ])(
    "a client's request with the target %s reaches the origin of the proxy with the target %s",
    async (target, expected) => {
      expect(await targetsOf(target)).toEqual([expected]);
    },
  );

  it("the proxy does not forward a request for /__strata/health to the origin if the path is percent-encoded", async () => {
    expect(await targetsOf("/%5F%5fstrata/health")).toEqual([]);
  });
});

describe("connections that the origin closes", () => {
  it("the proxy sends a GET to the origin once more if the origin closes the connection without an answer", async () => {
    const plain = { headers: [["Cache-Control", "no-store"]] as const };
    const path = through.origin.script(plain, { breakAfter: "start" }, plain);
    expect((await through.get(path)).body).toBe("response 1");
    expect((await through.get(path)).body).toBe("response 3");
    expect(through.origin.seen(path).length).toBe(3);
  });
});

describe("bodies that the origin writes slowly", () => {
  it("the proxy sends each part of a response body to the client as soon as the origin writes it", async () => {
    const path = through.origin.script({
      headers: [FRESH, ["Content-Type", "text/html"]],
      body: "<p>part</p>",
      times: 4,
      chunkMs: 300,
    });
    const arrivals = await new Promise<number[]>((resolve, reject) => {
      const times: number[] = [];
      request(new URL(path, through.at(0)), (response) => {
        response.on("data", () => times.push(Date.now()));
        response.on("end", () => resolve([...times, Date.now()]));
        response.on("error", reject);
      })
        .on("error", reject)
        .end();
    });
    const [first = 0, last = 0] = [arrivals.at(0), arrivals.at(-1)];
    expect(arrivals.length).toBeGreaterThanOrEqual(5);
    expect(last - first).toBeGreaterThan(800);
    expect((await ask(through.at(0), path)).cache).toBe("HIT");
  });
});

describe("URIs of the origin's own address, through the product", () => {
  it("a redirect of the origin to its own address leads the client to the host of the proxy", async () => {
    const location = `${through.origin.url}/elsewhere`;
    const path = through.origin.script({ status: 302, headers: [["Location", location]] });
    const { headers } = await ask(through.at(0), path);
    expect(headers.location).toBe(`${through.at(0)}/elsewhere`);
  });
});
