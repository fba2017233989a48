import { RpcTarget } from "cloudflare:workers";
import type { SharedLog } from "../core/log-share.ts";
import type { Seq } from "../core/seq.ts";
import type { LogPolls } from "./log-polls.ts";

/** The questions that one isolate asks in one session. */
export interface LogSessionRpc {
  /** Returns the changes of the log from `since` on, or undefined if the object cannot tell. */
  ask(since: Seq): Promise<SharedLog | undefined>;
  /** Only the remote end of a session has it. */
  [Symbol.dispose]?(): void;
}

/**
 * A session of a log object. The platform bills a session as one request, however many questions it has.
 *
 * @see https://developers.cloudflare.com/durable-objects/platform/pricing
 */
export class LogSession extends RpcTarget implements LogSessionRpc {
  readonly #polls: LogPolls;

  constructor(polls: LogPolls) {
    super();
    this.#polls = polls;
  }

  ask(since: Seq): Promise<SharedLog | undefined> {
    return this.#polls.ask(since);
  }
}
