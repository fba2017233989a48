import type { Answer, Bytes, Store } from "./store.ts";

export interface CommandContext {
  readonly store: Store;
  /** Delivers a message to the subscribers and returns their number. */
  publish(channel: Bytes, message: Bytes): number;
}

export interface CommandSpec {
  /**
   * Number of arguments as Redis counts it, including the name: 2 is exactly one argument, -2 at
   * least one.
   */
  readonly arity: number;
  readonly run: (context: CommandContext, args: readonly Bytes[]) => Answer;
}

/** Commands by their upper-case names. */
export type CommandTable = Readonly<Record<string, CommandSpec>>;

export function command(arity: number, run: CommandSpec["run"]): CommandSpec {
  return { arity, run };
}

/** Tests whether a number of arguments, without the command's name, fits the arity. */
export function fits({ arity }: CommandSpec, args: number): boolean {
  return arity >= 0 ? args + 1 === arity : args + 1 >= -arity;
}
