import type { Answer, Bytes, Store } from "./store.ts";

export interface CommandContext {
  readonly store: Store;
  /** Delivers to the subscribers; answers how many there are. */
  publish(channel: Bytes, message: Bytes): number;
}

export interface CommandSpec {
  /** As Redis counts it, the name included: 2 is exactly one argument, -2 at least one. */
  readonly arity: number;
  readonly run: (context: CommandContext, args: readonly Bytes[]) => Answer;
}

/** Commands by their upper-case names. */
export type CommandTable = Readonly<Record<string, CommandSpec>>;

/** Describes one command. */
export function command(arity: number, run: CommandSpec["run"]): CommandSpec {
  return { arity, run };
}

/** Whether a number of arguments fits, the command's name not counted. */
export function fits({ arity }: CommandSpec, args: number): boolean {
  return arity >= 0 ? args + 1 === arity : args + 1 >= -arity;
}
