import type { Script } from "./script.ts";

/** A Redis reply: bulk strings are bytes, status and error lines are objects. */
export type Reply = null | number | Buffer | StatusReply | ErrorReply | readonly Reply[];

export interface StatusReply {
  readonly status: string;
}

export interface ErrorReply {
  readonly error: string;
}

export interface PlainCommand {
  readonly kind: "command";
  /** Upper case. */
  readonly name: string;
  readonly args: readonly Buffer[];
}

export interface ScriptCall {
  readonly kind: "script";
  readonly script: Script;
  readonly keys: readonly Buffer[];
  readonly args: readonly Buffer[];
  /** EVAL_RO or EVALSHA_RO: a write inside is an error. */
  readonly readOnly: boolean;
}

export type Operation = PlainCommand | ScriptCall;

/** A reply, and how many commands Upstash would bill for it. */
export interface Executed {
  readonly reply: Reply;
  readonly commands: number;
}

export interface RedisEngine {
  /** Shown at start-up: which Redis this is. */
  readonly label: string;
  /** Runs one operation. Redis's own errors are replies; a rejection means that Redis is gone. */
  run(operation: Operation): Promise<Executed>;
  /** Runs all with nothing in between; one error reply instead if Redis discards them. */
  transaction(operations: readonly Operation[]): Promise<readonly Executed[] | ErrorReply>;
  /** The error reply of a script that does not compile, otherwise `undefined`. */
  check(script: Script): Promise<ErrorReply | undefined>;
  /** Subscribes; resolves with the way to end it once messages flow. */
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
