import type { Script } from "./script.ts";

/** A Redis reply. Bulk strings are bytes; status and error lines are objects. */
export type Reply = null | number | Buffer | StatusReply | ErrorReply | readonly Reply[];

export interface StatusReply {
  readonly status: string;
}

export interface ErrorReply {
  readonly error: string;
}

export interface PlainCommand {
  readonly kind: "command";
  /** In upper case. */
  readonly name: string;
  readonly args: readonly Buffer[];
}

export interface ScriptCall {
  readonly kind: "script";
  readonly script: Script;
  readonly keys: readonly Buffer[];
  readonly args: readonly Buffer[];
  /** True for EVAL_RO and EVALSHA_RO, in which a write is an error. */
  readonly readOnly: boolean;
}

export type Operation = PlainCommand | ScriptCall;

/** A reply, and the number of commands that Upstash would bill for it. */
export interface Executed {
  readonly reply: Reply;
  readonly commands: number;
}

export interface RedisEngine {
  /** Name of this Redis, shown at start-up. */
  readonly label: string;
  /**
   * Runs one operation. An error of Redis is a reply; a rejection means that Redis is unreachable.
   */
  run(operation: Operation): Promise<Executed>;
  /**
   * Runs all operations as one transaction. Returns one error reply if Redis discards the
   * transaction.
   */
  transaction(operations: readonly Operation[]): Promise<readonly Executed[] | ErrorReply>;
  /** Returns the error reply of a script that does not compile, otherwise `undefined`. */
  check(script: Script): Promise<ErrorReply | undefined>;
  /** Subscribes. Resolves with a function that unsubscribes, once messages are delivered. */
  subscribe(
    kind: "channel" | "pattern",
    name: string,
    onMessage: (channel: string, message: Buffer) => void,
  ): Promise<() => void>;
  /** Deletes every key of the database. */
  wipe(): Promise<void>;
  close(): Promise<void>;
}

export function isError(reply: Reply): reply is ErrorReply {
  return typeof reply === "object" && reply !== null && "error" in reply;
}

export function isStatus(reply: Reply): reply is StatusReply {
  return typeof reply === "object" && reply !== null && "status" in reply;
}
