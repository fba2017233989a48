import { describe, expect, it } from "vitest";
import { ADMIN, createClient } from "./client.ts";

describe("the admin token", () => {
  const writes = [
    ["POST", "/products"],
    ["PUT", "/products/1"],
    ["PATCH", "/products/1"],
    ["PATCH", "/products/1/stock"],
    ["DELETE", "/products/1"],
    ["POST", "/admin/purge"],
    ["GET", "/admin/anything"],
  ] as const;

  it.each(writes)(
    "%s %s without a valid admin token gets a 401 before the API validates the request",
    async (method, path) => {
      const { send } = createClient();
      const tokens = [
        undefined,
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        `Basic ${ADMIN.Authorization.slice(7)}`,
        `${ADMIN.Authorization}x`,
        ADMIN.Authorization.slice(0, -1),
        `${ADMIN.Authorization} ${ADMIN.Authorization}`,
      ];
      for (const token of tokens) {
        const headers = token === undefined ? {} : { Authorization: token };
        const response = await send(path, { method, headers });
        expect({ token, status: response.status }).toEqual({ token, status: 401 });
        expect(response.headers.get("WWW-Authenticate")).toContain("Bearer");
      }
    },
  );

  it("the API accepts an admin token whose authentication scheme is `bearer` in lower case", async () => {
    const { send } = createClient();
    const headers = { Authorization: `bearer ${ADMIN.Authorization.slice(7)}` };
    expect((await send("/admin/anything", { headers })).status).toBe(404);
  });
});
