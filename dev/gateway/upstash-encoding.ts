import type { Reply } from "../redis/engine.ts";
import { isError, isStatus } from "../redis/engine.ts";

export type JsonReply = null | number | string | readonly JsonReply[];

/**
 * Converts a reply to JSON as Upstash does. With `Upstash-Encoding: base64` every string is base64,
 * except a top-level status `OK`: clients compare it before they decode.
 */
export function encodeReply(reply: Reply, base64: boolean): JsonReply {
  if (base64 && isOk(reply)) return "OK";
  return encode(reply, base64);
}

function encode(reply: Reply, base64: boolean): JsonReply {
  if (reply === null || typeof reply === "number") return reply;
  if (Buffer.isBuffer(reply)) return reply.toString(base64 ? "base64" : "utf8");
  if (isStatus(reply)) return encode(Buffer.from(reply.status), base64);
  if (isError(reply)) return encode(Buffer.from(reply.error), base64);
  return reply.map((item) => encode(item, base64));
}

/**
 * Tests for the status OK. An engine behind a client returns a status as a string; clients see no
 * difference.
 */
function isOk(reply: Reply): boolean {
  return Buffer.isBuffer(reply) ? reply.equals(OK) : isStatus(reply) && reply.status === "OK";
}

const OK = Buffer.from("OK");

/** Thrown for a body that is not a command. */
export class MalformedCommand extends Error {
  override readonly name = "MalformedCommand";
}

export interface ParsedCommand {
  /** In upper case. */
  readonly name: string;
  readonly args: readonly Buffer[];
}

/**
 * Parses JSON and keeps each number as the text that was sent. Redis stores strings, and
 * 9007199254740993 or 1.10 would change as a double.
 */
export function parseCommandJson(text: string): unknown {
  try {
    return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
      typeof value === "number" ? (context?.source ?? String(value)) : value,
    );
  } catch {
    throw new MalformedCommand("ERR failed to parse command");
  }
}

/** Reads one command from parsed JSON: an array of strings, numbers and booleans. */
export function toCommand(value: unknown): ParsedCommand {
  if (!Array.isArray(value)) throw new MalformedCommand("ERR failed to parse command");
  if (value.length === 0) throw new MalformedCommand("ERR empty command");
  const [name, ...args] = (value as unknown[]).map((item) => {
    if (typeof item === "string") return item;
    if (typeof item === "boolean") return String(item);
    throw new MalformedCommand(
      "ERR failed to parse command: arguments must be strings, numbers or booleans",
    );
  });
  return { name: name!.toUpperCase(), args: args.map((arg) => Buffer.from(arg)) };
}
