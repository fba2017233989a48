import { describe, expect, it } from "vitest";
import { HEAD_HEADER, type HostRequest, type SentHead } from "../../src/answers/answer-host.ts";
import { createJoinHost } from "../../src/answers/join-host.ts";
import { DeadlineExceeded } from "../../src/core/deadline.ts";
import { LIMITS } from "./support.ts";

const HEAD: SentHead = { id: "1", position: { asOf: 1, era: "e" }, started: false, agoMs: 4_000 };

describe("an answer from its Durable Object", () => {
  it("an object that sends nothing more is given up 5 s after the limit of the call, and the connection to it is closed", async () => {
    const waits: number[] = [];
    let isClosed = false;
    const body = new ReadableStream({ cancel: () => void (isClosed = true) });
    const join = createJoinHost(
      async () => new Response(body, { headers: { [HEAD_HEADER]: JSON.stringify(HEAD) } }),
      () => 100_000,
      // The head arrives in time, and nothing after it.
      (work, ms) => {
        waits.push(ms);
        return waits.length === 1 ? work : Promise.reject(new DeadlineExceeded(ms));
      },
    );
    const joined = await join({ limits: LIMITS } as HostRequest, "local");
    if (!joined.ok || joined.value === undefined) throw new Error("no recording");
    expect(await joined.value.feed.next()).toMatchObject({
      frames: [],
      end: { kind: "failed", fault: { code: "flight.unavailable" } },
    });
    expect(waits.at(-1)).toBe(LIMITS.totalMs - HEAD.agoMs + 5_000);
    expect(isClosed).toBe(true);
  });
});
