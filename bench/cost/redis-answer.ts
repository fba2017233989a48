/** The cost of one answer of the log: commands and bytes. The names and their lengths are those of the reference API. */
import { MAX_CHANGES } from "../../src/core/log.ts";

/** As Upstash bills them; test/redis/requests.alone.test.ts counts both. */
const SYNC_COMMANDS = 1;
const INVALIDATION_COMMANDS = 5;

const NUMBER = "1790000000000000";
const UUID = "00000000-0000-4000-8000-000000000000";
const NAME = "t:product:123456";
const LOG = "strata:inv";
/** Era, floor and newest number are members of the log that every answer has. */
const OWN = [`!era:${UUID}`, NUMBER, `!floor:${NUMBER}`, NUMBER, "!seq", NUMBER];

const bytesOf = (value: unknown): number => JSON.stringify(value).length;

const SYNC_REQUEST = bytesOf([
  "zrange",
  LOG,
  "+inf",
  NUMBER,
  "byscore",
  "rev",
  "limit",
  0,
  MAX_CHANGES,
  "withscores",
]);
const EMPTY_ANSWER = bytesOf({ result: OWN });
/** Two texts of a JSON list, each with a comma. */
const CHANGE = bytesOf(NAME) + bytesOf(NUMBER) + 2;
const INVALIDATION_REQUEST = bytesOf(["evalsha", "0".repeat(40), 1, LOG, UUID, 1]);
const INVALIDATION_ANSWER = bytesOf({ result: [NUMBER, `!era:${UUID}`, NUMBER] });

export interface Exchange {
  readonly requests: number;
  readonly commands: number;
  /** The bodies of requests and answers, without HTTP fields. */
  readonly bytes: number;
}

/**
 * Returns what one sync costs if the log has `changes` new numbers. A sync whose answer is full asks
 * once more, for all changes (`sync` in src/engine/coherence.ts).
 */
export function syncExchange(changes: number): Exchange {
  const members = changes + OWN.length / 2;
  const isFull = members >= MAX_CHANGES;
  const first = SYNC_REQUEST + EMPTY_ANSWER + Math.min(changes, MAX_CHANGES) * CHANGE;
  return isFull
    ? {
        requests: 2,
        commands: 2 * SYNC_COMMANDS,
        bytes: first + SYNC_REQUEST + answerBytes(changes),
      }
    : { requests: 1, commands: SYNC_COMMANDS, bytes: first };
}

/** The bytes of an answer with this number of changes, from Redis or from an object. */
export function answerBytes(changes: number): number {
  return EMPTY_ANSWER + changes * CHANGE;
}

/** Returns what one run of the invalidation script costs, for this number of log keys. */
export function invalidationExchange(logKeys: number): Exchange {
  return {
    requests: 1,
    commands: INVALIDATION_COMMANDS,
    bytes: INVALIDATION_REQUEST + INVALIDATION_ANSWER + logKeys * bytesOf(NAME),
  };
}
