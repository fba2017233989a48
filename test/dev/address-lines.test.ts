import { describe, expect, it } from "vitest";
import { addressLines } from "../../dev/supervisor/address-lines.ts";

const SERVICES = "http://127.0.0.1:8790";
const ONE = {
  urls: ["http://127.0.0.1:8787"],
  servicesUrl: SERVICES,
  originAtRoot: false,
  madeToken: undefined,
};

describe("the addresses that npm run dev prints", () => {
  it("npm run dev prints the addresses of the front door, the shop demo, the dashboard, the API reference, each instance and the services, and the token that it made", () => {
    const urls = ["http://127.0.0.1:8787", "http://127.0.0.1:8788"];
    expect(addressLines({ ...ONE, urls, madeToken: "made" })).toEqual([
      "Strata ready on http://127.0.0.1:8787",
      "  front door     http://127.0.0.1:8787/",
      "  shop demo      http://127.0.0.1:8787/demo",
      "  dashboard      http://127.0.0.1:8787/dashboard",
      "  API reference  http://127.0.0.1:8787/docs",
      "  instance 2     http://127.0.0.1:8788",
      "  services       http://127.0.0.1:8790 (GET /counts, PUT /faults/<redis|sql|otlp>)",
      "  ADMIN_TOKEN    made (made for this run)",
    ]);
  });

  it("npm run dev prints no admin token that the environment sets", () => {
    expect(addressLines(ONE).join()).not.toContain("ADMIN_TOKEN");
  });

  it("with the origin at the root, npm run dev prints the address of the dashboard under /__strata and no address of a page that the origin has replaced", () => {
    expect(addressLines({ ...ONE, originAtRoot: true })).toEqual([
      "Strata ready on http://127.0.0.1:8787",
      "  dashboard      http://127.0.0.1:8787/__strata/dashboard",
      expect.stringContaining(SERVICES),
    ]);
  });
});
