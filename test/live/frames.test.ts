import { describe, expect, it } from "vitest";
import { MAX_MESSAGE_CHARS } from "../../src/core/live-event.ts";
import { format, type Frame } from "../../src/live/frames.ts";
import { KEPT_EVENTS, MAX_QUEUED_BYTES } from "../../src/live/limits.ts";

const update: Frame = { kind: "update", id: "0123456789ab-7", message: '{"stock":1}' };

describe("the text of a live event", () => {
  it("an update in a stream has no name, so that `onmessage` gets it", () => {
    expect(format(update, "events")).toBe('id: 0123456789ab-7\ndata: {"stock":1}\n\n');
  });

  it.each(["snapshot", "reset"] as const)("the event %s in a stream has its name", (kind) => {
    expect(format({ ...update, kind }, "events")).toBe(
      `event: ${kind}\nid: 0123456789ab-7\ndata: {"stock":1}\n\n`,
    );
  });

  it("a line break in a message cannot end the event of a stream or begin a field", () => {
    const message = '{"a":\r\n1,\r"b":\n\nid: 9}';
    expect(format({ ...update, message }, "events")).toBe(
      'id: 0123456789ab-7\ndata: {"a":\ndata: 1,\ndata: "b":\ndata: \ndata: id: 9}\n\n',
    );
  });

  it.each([
    ['{"stock":1}', { stock: 1 }],
    [' { "stock" : 1 } ', { stock: 1 }],
    ["{}", {}],
    ['{"event":"reset","id":"x","data":1}', { event: "reset", id: "x", data: 1 }],
  ])(
    "the message %s for a WebSocket is the member `data` beside the event and its id, whatever members it has",
    (message, data) => {
      expect(JSON.parse(format({ ...update, message }, "socket"))).toEqual({
        event: "update",
        id: "0123456789ab-7",
        data,
      });
    },
  );

  it("all events that a topic keeps fit into the queue of a stream, whatever their characters", () => {
    const message = `{"a":"${"😀".repeat(MAX_MESSAGE_CHARS - 8)}"}`;
    const id = `0123456789ab-${Number.MAX_SAFE_INTEGER}`;
    const text = format({ kind: "snapshot", id, message }, "events");
    const bytes = new TextEncoder().encode(text).byteLength;
    expect(bytes * KEPT_EVENTS).toBeLessThan(MAX_QUEUED_BYTES);
  });
});
