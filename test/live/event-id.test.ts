import { describe, expect, it } from "vitest";
import { epochOf, formatEventId, parseEventId } from "../../src/live/event-id.ts";

const EPOCH = "0123456789ab";

describe("the id of a live event", () => {
  it.each([0, 1, 42, Number.MAX_SAFE_INTEGER])(
    "the id with the number %d is read back as it was written",
    (number) => {
      const id = { epoch: EPOCH, number };
      expect(parseEventId(formatEventId(id))).toEqual(id);
    },
  );

  it("the epoch that is made from a UUID is one that an id can have", () => {
    const epoch = epochOf("01234567-89ab-4def-8123-456789abcdef");
    expect(parseEventId(formatEventId({ epoch, number: 1 }))).toEqual({ epoch, number: 1 });
  });

  it.each([
    "",
    "1",
    EPOCH,
    `${EPOCH}-`,
    `${EPOCH}-01`,
    `${EPOCH}--1`,
    `${EPOCH}-1.5`,
    `${EPOCH}-1e3`,
    `${EPOCH}-9007199254740992`,
    `${EPOCH.toUpperCase()}-1`,
    `${EPOCH}-1\n`,
    ` ${EPOCH}-1`,
    `${EPOCH}0-1`,
    `${EPOCH}-${"9".repeat(1_000)}`,
  ])("the text %j, which no topic sends, is not read as an id", (text) => {
    expect(parseEventId(text)).toBe(undefined);
  });
});
