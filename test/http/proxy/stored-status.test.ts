/** `stored` in Cache-Status (RFC 9211, 2.5). */
import { describe, expect, it } from "vitest";
import { createProxy, type Scripted } from "../../conformance/proxy.ts";

const FRESH = { "Cache-Control": "max-age=3600" };
const STORED = "strata; fwd=uri-miss; fwd-status=200; stored";
const NOT_STORED = "strata; fwd=uri-miss; fwd-status=200";

async function statusOf(
  scripted: Scripted,
  options: Parameters<typeof createProxy>[0] = {},
): Promise<string | null> {
  const p = createProxy(options);
  p.answers(scripted);
  const { response, settle } = await p.open({});
  await response.body?.cancel();
  await settle();
  return response.headers.get("Cache-Status");
}

/** A body that is still arriving when the header section has been sent. */
function slowBody(): ReadableStream<Uint8Array> {
  let sent = false;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!sent) controller.enqueue(new TextEncoder().encode("first"));
        else {
          await new Promise((resolve) => setTimeout(resolve, 30));
          controller.close();
        }
        sent = true;
      },
    },
    // The body begins when it is read.
    { highWaterMark: 0 },
  );
}

describe("stored in Cache-Status", () => {
  it("the Cache-Status field has the parameter `stored` if the proxy has stored the response", async () => {
    const body = "whole";
    expect(await statusOf({ headers: FRESH, body })).toBe(STORED);
    expect(await statusOf({ headers: { ...FRESH, "Content-Length": "5" }, body })).toBe(STORED);
    expect(await statusOf({ headers: { ...FRESH, Vary: "Foo" }, body })).toBe(STORED);
  });

  it("the Cache-Status field has no parameter `stored` while the body of the response is still arriving", async () => {
    expect(await statusOf({ headers: FRESH, body: slowBody() })).toBe(NOT_STORED);
  });

  it("the Cache-Status field has no parameter `stored` if the body of the response is over the option `maxBodyBytes`", async () => {
    const long = { ...FRESH, "Content-Length": "2000" };
    const options = { maxBodyBytes: 1_000 };
    const body = "x".repeat(2_000);
    expect(await statusOf({ headers: long, body }, options)).toBe(NOT_STORED);
    expect(await statusOf({ headers: FRESH, body }, options)).toBe(NOT_STORED);
  });

  it("the Cache-Status field of a response to POST has no parameter `stored` while the body is still arriving", async () => {
    const p = createProxy();
    const headers = { ...FRESH, "Content-Location": "/x" };
    p.answers({ headers, body: slowBody() });
    const { response, settle } = await p.open({ method: "POST", body: "a" });
    await response.body?.cancel();
    await settle();
    expect(response.headers.get("Cache-Status")).toBe("strata; fwd=method; fwd-status=200");
  });
});
