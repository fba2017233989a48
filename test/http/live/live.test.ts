import { describe, expect, it } from "vitest";
import type { Listener, Listening } from "../../../src/core/live-topics.ts";
import { createLive } from "../../../src/http/live/live.ts";
import { DefinitionError } from "../../../src/index.ts";
import { createTestContext } from "../../support/context.ts";

const OPTIONS = { topic: "shelf:1", transport: "events", initial: { n: 0 } } as const;

function setup(answer: Listening = { ok: false, reason: "unavailable" }) {
  const asked: Listener[] = [];
  const topics = {
    async listen(listener: Listener) {
      asked.push(listener);
      return answer;
    },
  };
  const live = createLive({ topics, addressHeader: "X-Address", random: () => 0 });
  const ctx = createTestContext();
  const listen = (fields: Record<string, string> = {}, options: object = {}) =>
    live.listen(
      new Request("http://strata.test/", { headers: fields }),
      { ...OPTIONS, ...options },
      ctx,
    );
  return { asked, listen, ctx };
}

describe("live.listen", () => {
  it.each([
    ["client-limit", 429, "too-many-connections"],
    ["topic-limit", 503, "topic-full"],
    ["unavailable", 503, "live-unavailable"],
  ] as const)(
    "a connection that is refused with %s gets the status %d, the problem %s and a Retry-After",
    async (reason, status, type) => {
      const { listen, ctx } = setup({ ok: false, reason });
      const response = await listen();
      expect([response.status, response.headers.get("Retry-After")]).toEqual([status, "5"]);
      expect(await response.json()).toMatchObject({ type: `urn:strata:problem:${type}` });
      expect(ctx.events).toEqual([{ type: "live.listen", transport: "events", outcome: reason }]);
    },
  );

  it("the connections of one IPv6 network count as those of one client, and those without an address as one more", async () => {
    const { asked, listen } = setup();
    for (const address of ["2001:db8::1", "2001:db8::2", "192.0.2.1:80", "nonsense"])
      await listen({ "X-Address": address });
    await listen();
    const clients = asked.map(({ client }) => client);
    expect(clients).toEqual([
      "2001:db8:0:0::/64",
      "2001:db8:0:0::/64",
      "192.0.2.1",
      "unknown",
      "unknown",
    ]);
  });

  it("an id of a client is cut off after 64 characters", async () => {
    const { asked, listen } = setup();
    await listen({ "Last-Event-ID": "x".repeat(5_000) });
    expect(asked[0]?.lastEventId).toHaveLength(64);
  });

  it.each([
    ["an initial state of more than 1,024 characters", { initial: { n: "x".repeat(1_024) } }],
    ["an empty topic", { topic: "" }],
    ["a topic of more than 256 characters", { topic: "x".repeat(257) }],
  ])("%s is a mistake of the program", async (_, options) => {
    const { listen } = setup();
    await expect(listen({}, options)).rejects.toThrow(DefinitionError);
  });
});
