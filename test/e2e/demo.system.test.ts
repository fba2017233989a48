/** The shop demo in a real Chromium. */
import { chromium, type Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { choose, createFrontPages, statuses, type FrontPages } from "./support/front-pages.ts";
import { startProduct, type Product } from "./support/product.ts";

let product: Product;
let browser: Browser;
let openDemo: FrontPages["openDemo"];
beforeAll(async () => {
  product = await startProduct({ instances: 1 });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  ({ openDemo } = createFrontPages(browser, product.urls[0] ?? ""));
});
afterAll(async () => {
  await browser?.close();
  await product?.stop();
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

describe("the shop demo", () => {
  it("the shop demo shows MISS for the first read of a product and HIT for the second, and lists the last 20 answers with source, steps and time", async () => {
    const { page, complaints } = await openDemo();
    await page.getByRole("button", { name: "Next page" }).click();
    await page.getByText(/Page 2 of \d+/).waitFor();
    // The list has read its products, so they are stored.
    await product.client().write(0, "POST", "/admin/purge", { everything: true });
    await choose(page, 4);
    const id = await page.locator("[aria-current=true]").first().getAttribute("data-product");
    const read = `GET /products/${id}`;
    await expect.poll(() => statuses(page, read)).toEqual(["MISS"]);
    await page.getByRole("button", { name: "Read again" }).click();
    await expect.poll(() => statuses(page, read)).toEqual(["HIT", "MISS"]);
    expect(await page.locator("#source").innerText()).toBe("HIT From the memory of the Worker.");
    const answers = page.locator("#answers > li", { has: page.getByText(read, { exact: true }) });
    expect(await answers.first().innerText()).toMatch(
      /From the memory of the Worker\.\s+(?:no steps outside memory|(?:\w+ [\d.]+ ms(?:, )?)+) · [\d.]+ ms in the Worker · \d+ ms in the browser · age \d+ s · \d+ requests left/,
    );
    expect(await answers.last().innerText()).toMatch(
      /From the origin, and stored\.[\s\S]*(?:sql|origin) [\d.]+ ms/,
    );
    expect(await answers.last().locator("rect.step").count()).toBeGreaterThan(0);
    for (let i = 0; i < 25; i++) await page.getByRole("button", { name: "Read again" }).click();
    await expect
      .poll(async () => (await statuses(page, read)).filter((status) => status === "HIT").length)
      .toBe(20);
    expect(await page.locator("#answers > li").count()).toBe(20);
    expect(complaints).toEqual([]);
  });

  it("the shop demo lists the products of the chosen category only", async () => {
    const { page, complaints } = await openDemo();
    await page.getByLabel("Category").selectOption("2");
    await page.getByText("GET /products?page=1&category=2", { exact: true }).waitFor();
    const shown = page.locator("#products button");
    const listed = JSON.parse((await product.client().get(0, "/products?category=2")).body);
    const names = listed.items.map(({ name }: { name: string }) => name);
    await expect.poll(() => shown.locator("span:first-child").allInnerTexts()).toEqual(names);
    expect(complaints).toEqual([]);
  });

  it("a user of the shop demo chooses a product and changes its stock by keyboard alone, and the page forgets the admin token on reload", async () => {
    const { page, complaints } = await openDemo();
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the products");
    await page.keyboard.press("Enter");
    const focus = async (selector: string): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        if (await page.evaluate(`document.activeElement.matches("${selector}")`)) return;
        await page.keyboard.press("Tab");
      }
      throw new Error(`Tab does not reach ${selector}`);
    };
    await focus("#products li:nth-child(3) button");
    await page.keyboard.press("Enter");
    await page.getByText("Basis: product").waitFor();
    expect(await page.evaluate("document.activeElement.id")).toBe("product-title");
    await focus("#new-stock");
    await page.keyboard.type("4321");
    await focus("#stock-form button");
    await page.keyboard.press("Enter");
    await page.getByText("Enter the admin token first.").waitFor();
    expect(await page.evaluate("document.activeElement.id")).toBe("admin-token");
    await page.keyboard.type(product.adminToken);
    await page.keyboard.press("Enter");
    await page.getByText("Changed. Invalidation: done.").waitFor();
    await expect.poll(() => page.locator("#stock").innerText()).toBe("4321");
    // The event of the change may show the stock before the page has read the product again.
    await expect.poll(async () => (await statuses(page, "GET /products/3"))[0]).toBe("MISS");
    // The second change needs no token, and the field does not show the first.
    await page.getByLabel("New stock").fill("4322");
    expect(await page.getByLabel("Admin token").inputValue()).toBe("");
    await page.getByRole("button", { name: "Change stock" }).click();
    await expect.poll(() => page.locator("#stock").innerText()).toBe("4322");
    const stored: string = await page.evaluate(
      "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])",
    );
    expect(stored).not.toContain(product.adminToken);
    expect(complaints).toEqual([]);
    await page.reload();
    await page.locator("#products button").first().waitFor();
    await choose(page, 2);
    await page.getByLabel("New stock").fill("1");
    await page.getByRole("button", { name: "Change stock" }).click();
    await page.getByText("Enter the admin token first.").waitFor();
  });

  it("the shop demo shows the reason of a refused change, and the seconds to wait after too many requests", async () => {
    const { page, address } = await openDemo();
    await choose(page, 0);
    await page.getByLabel("New stock").fill("5");
    await page.getByLabel("Admin token").fill("not-the-token");
    await page.getByRole("button", { name: "Change stock" }).click();
    await page.locator("#stock-status", { hasText: "401: " }).waitFor();
    const client = product.client();
    const read = () => client.ask(0, "/products/1", { headers: { "CF-Connecting-IP": address } });
    const refusedRead = async (): Promise<string> => {
      await Promise.all(Array.from({ length: 120 }, read));
      await page.getByRole("button", { name: "Read again" }).click();
      return page.locator("#product-status").innerText();
    };
    await expect.poll(refusedRead, { timeout: 30_000 }).toMatch(/^429: .* Try again in \d+ s\.$/);
  });
});

describe("the live parts of the shop demo", () => {
  it("the shop demo shows a stock that another client has changed, without a click", async () => {
    const { page, complaints } = await openDemo();
    await choose(page, 6);
    await page.locator("#live", { hasText: /^connected/ }).waitFor();
    await product.client().write(0, "PATCH", "/products/7/stock", { stock: 7654 });
    await expect.poll(() => page.locator("#stock").innerText(), { timeout: 10_000 }).toBe("7654");
    expect(await page.locator("#live").innerText()).toMatch(
      /^connected; this stock is of \d\d:\d\d:\d\d$/,
    );
    expect(complaints).toEqual([]);
  });

  it("a user who signs in to the shop demo sees the own e-mail address, after a reload too, and not after signing out", async () => {
    const { page, complaints } = await openDemo();
    await page.getByLabel("User id").fill("3");
    await page.getByRole("button", { name: "Sign in" }).click();
    const profile = page.locator("#profile");
    await profile.getByText("@example.com").waitFor();
    await page.reload();
    await profile.getByText("@example.com").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("Signed out.").waitFor();
    expect(await profile.locator("dd").count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it("the chat of the shop demo shows an answer of the model at first, and the same answer from the cache for the same message", async () => {
    const { page, complaints } = await openDemo();
    await page.getByLabel("Message").fill("Which shelf is the best?");
    // An answer from the cache may be there before the page could be seen waiting.
    const ask = async (answers: number): Promise<string> => {
      await page.getByRole("button", { name: "Send" }).click();
      await expect
        .poll(async () => (await statuses(page, "POST /chat")).length, { timeout: 20_000 })
        .toBe(answers);
      await expect
        .poll(() => page.locator("#chat-status").textContent(), { timeout: 20_000 })
        .toBe("");
      return page.locator("#chat-answer").innerText();
    };
    const first = await ask(1);
    expect(first.length).toBeGreaterThan(10);
    expect(await ask(2)).toBe(first);
    expect(await statuses(page, "POST /chat")).toEqual(["HIT", "MISS"]);
    expect(complaints).toEqual([]);
  });
});
