import { ERASE_READS } from "../core/erasure.ts";
import {
  decorateStore,
  type StoreArgs,
  type StoreOperation,
  type StoreValue,
} from "../core/decorate-store.ts";
import type { SharedStore } from "../core/shared-store.ts";

/** A script passes at most this many log keys to one Redis command; see redis/scripts.ts. */
const KEYS_PER_COMMAND = 4_000;

const keyCommands = (keys: number): number => Math.ceil(keys / KEYS_PER_COMMAND);

/** How many commands a script uses to read the log. */
const LOG_COMMANDS = 1;

interface Billing<O extends StoreOperation> {
  /** Returns the name of the command that is sent. */
  command(args: StoreArgs<O>): string;
  /** Returns how many commands Upstash bills. `value` is undefined if the call failed. */
  commands(args: StoreArgs<O>, value: StoreValue<O> | undefined): number;
  /** Returns how many requests were sent. Default: 1. */
  requests?(value: StoreValue<O>): number;
}

/**
 * The commands that Upstash bills for each operation: a script is one command, and every command
 * that the script calls is another. `establish` and `trim` are rare and are estimated.
 */
const BILLING: { readonly [O in StoreOperation]: Billing<O> } = {
  read: {
    command: () => "EVALSHA_RO",
    commands(_args, value) {
      const keys = new Set(value?.found.flatMap((found) => found?.entry.invalidationKeys ?? []));
      return 2 + keyCommands(2 * keys.size) + LOG_COMMANDS;
    },
  },
  verify: {
    command: () => "EVALSHA_RO",
    commands: ([entries]) => 1 + keyCommands(2 * new Set(entries.flat()).size) + LOG_COMMANDS,
  },
  sync: {
    command: () => "ZRANGE",
    commands: () => 1,
  },
  establish: {
    command: () => "EVALSHA",
    commands: () => 7 + LOG_COMMANDS,
  },
  write: {
    command: () => "SET",
    commands: ([entries]) => entries.length,
    requests: ({ requests }) => requests,
  },
  delete: {
    command: () => "DEL",
    commands: () => 1,
  },
  erase: {
    command: () => "SCAN",
    // The script is another request: it reads the entries in groups, and removes some.
    commands: (_args, value) => (value?.examined ? 3 + Math.ceil(value.examined / ERASE_READS) : 1),
    requests: ({ requests }) => requests,
  },
  invalidate: {
    command: () => "EVALSHA",
    // These are the script itself, the clock and the era. To them are added the commands that read
    // the numbers of the log keys and the newest number, and those that write them.
    commands: ([logKeys, watched]) =>
      3 +
      keyCommands(logKeys.length + watched.length + 1) +
      Math.max(1, keyCommands(2 * logKeys.length)),
  },
  numbers: {
    command: () => "ZMSCORE",
    commands: ([logKeys]) => (logKeys.length > 0 ? 1 : 0),
  },
  trim: {
    command: () => "EVALSHA",
    commands: () => 7,
  },
};

/** Reports every call of the shared store, and how many commands Upstash bills for it. */
export function withMeter(store: SharedStore): SharedStore {
  return decorateStore(store, async (operation, args, ctx, call) => {
    const { command, commands, requests } = BILLING[operation];
    const startedAt = ctx.now();
    const result = await call();
    ctx.emit({
      type: "redis.end",
      operation,
      command: command(args),
      commands: commands(args, result.ok ? result.value : undefined),
      ...(requests !== undefined && result.ok && { requests: requests(result.value) }),
      startedAt,
      ms: ctx.now() - startedAt,
      outcome: result.ok ? "ok" : result.fault.code,
    });
    return result;
  });
}
