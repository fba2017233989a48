/** The pages of the front door in a browser, as tests open and read them. */
import type { Browser, Page } from "playwright-core";

export interface Opened {
  readonly page: Page;
  /** The address that the page's requests come from. */
  readonly address: string;
  /** Errors and warnings that the browser printed, and requests to other origins. */
  readonly complaints: string[];
}

type PageOptions = Parameters<Browser["newPage"]>[0];

export interface FrontPages {
  open(path: string, options?: PageOptions): Promise<Opened>;
  /** Opens the shop demo and waits for its list of products. */
  openDemo(options?: PageOptions): Promise<Opened>;
}

/** Opens pages of the product at `url`, each as a client with its own address. */
export function createFrontPages(browser: Browser, url: string): FrontPages {
  let clients = 0;

  async function open(path: string, options: PageOptions = {}): Promise<Opened> {
    // The rate limit of one client is 100 requests a minute.
    const address = `198.51.100.${++clients}`;
    const page = await browser.newPage({
      viewport: { width: 1280, height: 900 },
      colorScheme: "light",
      extraHTTPHeaders: { "CF-Connecting-IP": address },
      ...options,
    });
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning")
        complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== "data:" && origin !== url) complaints.push(request.url());
    });
    await page.goto(`${url}${path}`);
    return { page, address, complaints };
  }

  return {
    open,
    async openDemo(options) {
      const opened = await open("/demo", options);
      await opened.page.locator("#products button").first().waitFor();
      return opened;
    },
  };
}

/** Chooses a product of the demo by its place in the list, and waits until its recommendations are there. */
export async function choose(page: Page, index: number): Promise<void> {
  await page.locator("#products button").nth(index).click();
  await page.getByText("Basis: product").waitFor();
}

/** Reads the cache statuses of the answers to a request in the demo's list, the newest first. */
export const statuses = (page: Page, request: string): Promise<string[]> =>
  page
    .locator("#answers > li", { has: page.getByText(request, { exact: true }) })
    .locator("[data-cache]")
    .allInnerTexts();

/** Whether the page is no wider than the screen. */
export const fits = (page: Page): Promise<unknown> =>
  page.evaluate("document.documentElement.scrollWidth <= innerWidth");
