import { describe, expect, it } from "vitest";
import { fault } from "../../src/core/faults.ts";
import { TERM_MS } from "../../src/core/share-timing.ts";
import {
  createSharingIsolate,
  SHARING_WINDOW_MS,
  type SharingIsolate,
} from "../support/sharing-isolate.ts";

describe("the leader of a data centre", () => {
  /** An isolate whose log object answers each question, and that leads from its next read on. */
  async function createLeader(hostile: Parameters<typeof createSharingIsolate>[0] = {}) {
    const isolate: SharingIsolate = await createSharingIsolate({
      region: async () => isolate.answerAt(isolate.now()),
      ...hostile,
    });
    isolate.advance(600);
    return isolate;
  }
  const readIn = (isolate: SharingIsolate) => () =>
    void isolate.coherence.isCurrent(isolate.now(), SHARING_WINDOW_MS, isolate.ctx);

  it("while reads come, a leader asks the log object every 500 ms for 8 s in one session, and writes each answer as the share", async () => {
    const isolate = await createLeader();
    isolate.duringPauses(readIn(isolate));
    await isolate.read();
    const rounds = 1 + TERM_MS / 500;
    expect(isolate.asked).toEqual({ redis: 0, object: rounds });
    expect(isolate.written).toHaveLength(rounds);
    expect(isolate.written.at(-1)?.sentAt).toBe(1_000_600 + TERM_MS);
    expect(isolate.sessions).toEqual({ opened: 1, closed: 1 });
  });

  it("a leader ends its term when no read came since its last question", async () => {
    const isolate = await createLeader();
    let pauses = 0;
    isolate.duringPauses(() => {
      if (++pauses < 3) readIn(isolate)();
    });
    await isolate.read();
    expect(isolate.asked.object).toBe(3);
    expect(isolate.sessions).toEqual({ opened: 1, closed: 1 });
  });

  it("a leader ends its term when the log object gives no answer, and its next read opens a session again", async () => {
    let questions = 0;
    const isolate: SharingIsolate = await createLeader({
      region: async () => (++questions === 2 ? undefined : isolate.answerAt(isolate.now())),
    });
    let pauses = 0;
    isolate.duringPauses(() => {
      if (++pauses === 1) readIn(isolate)();
    });
    await isolate.read();
    expect(isolate.sessions).toEqual({ opened: 1, closed: 1 });
    isolate.advance(1);
    await isolate.read();
    expect(isolate.sessions).toEqual({ opened: 2, closed: 2 });
    expect(isolate.asked.redis).toBe(0);
  });

  it("a leader ends its term when a request to Redis has failed, so that the isolate notices the recovery", async () => {
    const isolate = await createLeader();
    isolate.duringPauses(() => {
      readIn(isolate)();
      isolate.coherence.recordFailure(fault("redis.timeout", "away"), isolate.ctx);
    });
    await isolate.read();
    expect(isolate.asked.object).toBe(1);
    expect(isolate.sessions).toEqual({ opened: 1, closed: 1 });
  });

  it.each([
    ["wrote the share last syncs early again", true, 501],
    ["finds the share of another leader looks for the share like the others", false, 751],
  ])("at the end of its term, an isolate that %s", async (_, isOwn, firstAge) => {
    const isolate = await createLeader({ isOwn: async () => isOwn });
    await isolate.read();
    expect(isolate.sessions.opened).toBe(1);
    const stamp = isolate.coherence.currentAt();
    let age = 0;
    for (const before = { ...isolate.sessions }; isolate.sessions.opened === before.opened;) {
      isolate.advance(1);
      age = isolate.now() - stamp;
      expect(age).toBeLessThan(SHARING_WINDOW_MS);
      await isolate.read();
    }
    expect(age).toBe(firstAge);
  });
});
