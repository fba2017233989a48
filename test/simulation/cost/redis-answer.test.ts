import { describe, expect, it } from "vitest";
import { syncExchange } from "../../../bench/cost/redis-answer.ts";
import { TOP } from "../../../src/core/log.ts";
import { parseLog } from "../../../src/redis/log-answer.ts";

/** An answer of the log with this number of changes, cut at the limit as Redis does. */
function answerWith(changes: number) {
  const own = ["!era:e", String(TOP), "!floor:1", String(TOP), "!seq", "5000"];
  const members = Array.from({ length: changes }, (_, at) => [`t:${at}`, String(4_999 - at)]);
  return parseLog([...own, ...members.flat()].slice(0, 2_000), 1, 0);
}

describe("what a sync costs in the model of cost", () => {
  it.each([0, 1, 996, 997, 1_000, 5_000])(
    "a sync that finds %d changes asks a second time exactly if the parser of the log calls its answer truncated",
    (changes) => {
      expect(syncExchange(changes).commands).toBe(answerWith(changes).truncated ? 2 : 1);
    },
  );

  it("the answer of a sync grows by the same number of bytes with each change", () => {
    const [none, one, ten] = [0, 1, 10].map((changes) => syncExchange(changes).bytes);
    expect(one! - none!).toBe(38);
    expect(ten! - none!).toBe(10 * 38);
  });
});
