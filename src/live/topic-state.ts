/** The decisions of a topic: which events it adds to its log, and with which events a listener starts. */
import type { LiveEvent, ListenerStart } from "../core/live-event.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { parseEventId } from "./event-id.ts";

/** The state of the events in the log of a topic. */
export interface TopicState {
  readonly epoch: string;
  /** The log has every event of the epoch after this number. */
  readonly floor: number;
  /** The number of the newest event; 0 if there has been none. */
  readonly last: number;
  /** The instant of the newest event by the database's clock; 0 if there has been none. */
  readonly at: EpochMs;
}

/**
 * - `append`: the event follows the newest one
 * - `known`: the log has the event
 * - `gap`: an event before this one has not arrived
 * - `restored`: the database numbers events again from a lower number, and this is the first of them
 */
export type Verdict = "append" | "known" | "gap" | "restored";

/**
 * Two transactions of one topic have instants that differ by less than this, if their ids come in the
 * other order: a transaction takes its instant when it begins, and its id while it holds the row.
 */
const RESTORED_AFTER_MS: Millis = 60_000;

/**
 * Decides what an event is to the log. An event with a known number and a much later instant comes from
 * a database that was restored to an earlier state. Without this rule its events would be taken for
 * known ones until their numbers had caught up. The log of a restored database begins with its oldest event that
 * waits, so an event after that one is a gap.
 */
export function judgeEvent({ last, at }: TopicState, event: LiveEvent): Verdict {
  if (event.id > last) return event.previous > last ? "gap" : "append";
  if (event.at <= at + RESTORED_AFTER_MS) return "known";
  return event.previous > 0 ? "gap" : "restored";
}

/** How a listener starts, and after which event. */
export interface Start {
  readonly kind: ListenerStart;
  readonly after: number;
}

/**
 * Decides how a listener starts. It resumes only if the log has every event after the one that it
 * names. An id that the topic never sent is treated like one of another epoch.
 */
export function startOf(state: TopicState, lastEventId: string | undefined): Start {
  const { epoch, floor, last } = state;
  if (lastEventId === undefined) return { kind: "snapshot", after: last };
  const id = parseEventId(lastEventId);
  const isKnown = id?.epoch === epoch && id.number >= floor && id.number <= last;
  return isKnown ? { kind: "resumed", after: id.number } : { kind: "reset", after: last };
}
