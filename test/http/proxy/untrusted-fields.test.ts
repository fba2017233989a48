import { describe, expect, it } from "vitest";
import { createProxy } from "../../conformance/proxy.ts";

/** The fields that the origin gets of a request with `headers`. */
async function received(
  headers: Readonly<Record<string, string>>,
  options: Parameters<typeof createProxy>[0] = {},
): Promise<Headers> {
  const p = createProxy(options);
  p.answers({});
  await p.get(headers);
  return p.seen[0]?.headers ?? new Headers();
}

describe("request fields with which a client claims something", () => {
  it.each(
    `Baggage Forwarded X-Forwarded-Client-Cert X-Forwarded-Prefix X-Forwarded-Port X-Forwarded-Uri
     X-Scheme X-Original-URL X-Original-Host X-Original-Method X-Script-Name X-Real-IP
     X-Middleware-Subrequest True-Client-IP X-HTTP-Method-Override`.split(/\s+/),
  )("the proxy does not forward the client's request field %s to the origin", async (name) => {
    expect((await received({ [name]: "claim" })).get(name)).toBeNull();
  });

  it("the origin gets X-Forwarded-For with the address in CF-Connecting-IP, and nothing that the client wrote into X-Forwarded-For", async () => {
    const headers = { "X-Forwarded-For": "127.0.0.1", "CF-Connecting-IP": "192.0.2.7" };
    expect((await received(headers)).get("X-Forwarded-For")).toBe("192.0.2.7");
    expect((await received({ "X-Forwarded-For": "127.0.0.1" })).get("X-Forwarded-For")).toBeNull();
  });

  it("the origin gets X-Forwarded-For with the last address of the request field that the option `clientAddressHeader` names", async () => {
    const options = { clientAddressHeader: "X-Forwarded-For" };
    const headers = { "X-Forwarded-For": "127.0.0.1, 192.0.2.7" };
    expect((await received(headers, options)).get("X-Forwarded-For")).toBe("192.0.2.7");
  });

  it("the proxy forwards the untrusted request fields that the option `forwardFields` names, and no others", async () => {
    const options = { forwardFields: ["Baggage", "X-Forwarded-Host", "X-Forwarded-Prefix"] };
    const headers = {
      Baggage: "a=1",
      "X-Forwarded-Host": "public.test",
      "X-Forwarded-Prefix": "/p",
      "X-Forwarded-Port": "1",
    };
    const got = await received(headers, options);
    expect(
      ["Baggage", "X-Forwarded-Host", "X-Forwarded-Prefix"].map((name) => got.get(name)),
    ).toEqual(["a=1", "public.test", "/p"]);
    expect(got.get("X-Forwarded-Port")).toBeNull();
  });

  it("the proxy does not forward a request field that the option `dropFields` names", async () => {
    const headers = { "X-API-Key": "secret" };
    expect((await received(headers)).get("X-API-Key")).toBe("secret");
    expect((await received(headers, { dropFields: ["X-API-Key"] })).get("X-API-Key")).toBeNull();
  });
});
