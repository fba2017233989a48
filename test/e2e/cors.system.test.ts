/** Pages of other origins in a real Chromium, which applies the CORS fields of the Worker. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startProduct, type Product } from "./support/product.ts";

/** Serves an empty page, on an origin of its own. */
async function servePage(): Promise<{ readonly origin: string; readonly server: Server }> {
  const server = createServer((_request, response) => {
    response.setHeader("Content-Type", "text/html").end("<!doctype html><title>page</title>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

let product: Product;
let browser: Browser;
let listed: Awaited<ReturnType<typeof servePage>>;
let stranger: Awaited<ReturnType<typeof servePage>>;
beforeAll(async () => {
  [listed, stranger] = [await servePage(), await servePage()];
  product = await startProduct({ instances: 1, env: { CORS_ORIGINS: listed.origin } });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
afterAll(async () => {
  await browser?.close();
  for (const page of [listed, stranger]) page?.server.close();
  await product?.stop();
});

/** Sends requests from a page of the origin, and returns what the page could read of each answer. */
async function readFrom(origin: string) {
  const page = await browser.newPage();
  await page.goto(origin);
  const seen = await page.evaluate(
    async ({ url, token }) => {
      const read = async (path: string, init?: RequestInit) => {
        try {
          const { status, headers } = await fetch(url + path, init);
          return [status, headers.get("X-Cache-Status"), headers.get("X-Invalidation")];
        } catch {
          return "refused by the browser";
        }
      };
      const change = {
        method: "PATCH",
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        body: '{"delta":1}',
      };
      return [
        await read("/products/11"),
        await read("/products/11"),
        await read("/products/11/stock", change),
        await read("/products/0"),
      ];
    },
    { url: product.urls[0] ?? "", token: product.adminToken },
  );
  await page.close();
  return seen;
}

async function stock(): Promise<number> {
  const answer = await fetch(`${product.urls[0]}/products/11`);
  return ((await answer.json()) as { stock: number }).stock;
}

describe("CORS in a browser", () => {
  it("a page of a listed origin reads cached answers with their fields, changes a product with a token, and reads a 400; a page of another origin reads nothing", async () => {
    const before = await stock();
    expect(await readFrom(listed.origin)).toEqual([
      [200, "HIT", null],
      [200, "HIT", null],
      [200, null, "done"],
      [400, null, null],
    ]);
    const refused = "refused by the browser";
    expect(await readFrom(stranger.origin)).toEqual([refused, refused, refused, refused]);
    // The browser asked for permission before the change of the other page, and did not send it.
    expect(await stock()).toBe(before + 1);
  });
});
