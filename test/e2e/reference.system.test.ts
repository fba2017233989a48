/** The API reference in a real Chromium: every operation, a request from the page, and no request elsewhere. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, startProduct, type Product } from "./support/product.ts";

/** The folder for screenshots. SCREENSHOTS=docs/operations/images renews those of the docs. */
const IMAGES = join(ROOT, process.env["SCREENSHOTS"] ?? ".strata/screenshots");

let product: Product;
let browser: Browser;
beforeAll(async () => {
  mkdirSync(IMAGES, { recursive: true });
  product = await startProduct({ instances: 1 });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
afterAll(async () => {
  await browser?.close();
  await product?.stop();
});

interface Opened {
  readonly page: Page;
  /** Errors and warnings that the browser printed, and requests to other origins. */
  readonly complaints: string[];
}

async function open(colorScheme: "light" | "dark", hash = ""): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme });
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== product.urls[0])
      complaints.push(`a request to ${url.href}`);
  });
  await page.goto(`${product.urls[0]}/docs${hash}`);
  await page.locator(".opblock").first().waitFor();
  return { page, complaints };
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { operationId: string }>>>>;
}

/** Opens an operation, whose first parameters and body the document gives, and sends it. */
async function execute(page: Page, operation: string): Promise<string> {
  const block = page.locator(`[id$="-${operation}"]`);
  await block.locator(".opblock-summary-control").click();
  await block.getByRole("button", { name: "Execute" }).click();
  const answer = block.locator(".live-responses-table .response");
  await answer.waitFor();
  return answer.innerText();
}

describe("the page of the API reference", () => {
  it("/docs shows every operation of the document and sends a request from the page, without an error and without a request to another origin", async () => {
    const { page, complaints } = await open("light");
    const answer = await fetch(`${product.urls[0]}/openapi.json`);
    const { paths } = (await answer.json()) as Document;
    const ids = Object.values(paths).flatMap((item) =>
      Object.values(item).map(({ operationId }) => operationId),
    );
    const shown = await page
      .locator(".opblock")
      .evaluateAll((blocks) => blocks.map(({ id }) => id.split("-").at(-1)));
    expect(new Set(shown)).toEqual(new Set(ids));
    await page.screenshot({ path: join(IMAGES, "reference-light.png") });

    const got = await execute(page, "getProductsById");
    expect(got).toContain("200");
    expect(got).toMatch(/"id": 42[\s\S]*x-cache-status/);
    await page.locator('[id$="-getProductsById"]').scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(IMAGES, "reference-try.png") });
    expect(complaints).toEqual([]);
  });

  it("/docs sends the admin token that a user has entered, and follows the dark theme of the system", async () => {
    const { page, complaints } = await open("dark", "#/Products/patchProductsByIdStock");
    const background = await page.evaluate(
      "getComputedStyle(document.documentElement).colorScheme",
    );
    expect(background).toContain("dark");
    expect(await page.locator("html.dark-mode").count()).toBe(1);
    await page.getByRole("button", { name: "Authorize" }).click();
    const form = page.locator(".dialog-ux form", { hasText: "bearer" });
    await form.locator("input").fill(product.adminToken);
    await form.getByRole("button", { name: "Apply credentials" }).click();
    await page.locator(".dialog-ux .close-modal").click();
    const block = page.locator('[id$="-patchProductsByIdStock"]');
    await block.getByRole("button", { name: "Execute" }).click();
    const answer = block.locator(".live-responses-table .response");
    await answer.waitFor();
    expect(await answer.innerText()).toMatch(/200[\s\S]*x-invalidation: done/);
    expect(complaints).toEqual([]);
  });
});
