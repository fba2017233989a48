import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { keysRead, onlyReads } from "../commands.ts";
import type { ErrorReply, Executed, Operation, RedisEngine, Reply, ScriptCall } from "../engine.ts";
import { arity } from "../scripts.ts";
import { globMatcher } from "./glob.ts";
import { hashCommands } from "./hashes.ts";
import { keyCommands } from "./keys.ts";
import { compileError, createLuaHost } from "./lua.ts";
import type { LuaHost } from "./lua.ts";
import { sortedSetCommands } from "./sorted-sets.ts";
import type { Answer, Bytes, StoredKey } from "./store.ts";
import { CommandError, Store } from "./store.ts";
import { stringCommands } from "./strings.ts";
import type { CommandContext, CommandTable } from "./table.ts";
import { fits } from "./table.ts";

interface Subscription {
  readonly matches: (channel: Bytes) => boolean;
  readonly deliver: (channel: string, message: Buffer) => void;
}

export interface EmbeddedEngineOptions {
  /** File that keeps the keys between starts. Without it they are in memory only. */
  readonly file?: string;
  readonly clock?: () => number;
}

/**
 * Creates a Redis inside this process, for machines without a Redis server. It runs one command,
 * script or transaction at a time, as Redis does. It writes its keys to the file when it closes.
 */
export function createEmbeddedEngine({
  file,
  clock = Date.now,
}: EmbeddedEngineOptions = {}): RedisEngine {
  const store = new Store(clock);
  if (file !== undefined && existsSync(file)) {
    store.load(JSON.parse(readFileSync(file, "utf8")) as readonly StoredKey[]);
  }
  const subscriptions = new Set<Subscription>();
  const commands: CommandTable = {
    ...stringCommands,
    ...keyCommands,
    ...hashCommands,
    ...sortedSetCommands,
  };
  const context: CommandContext = {
    store,
    publish(channel, message) {
      const receivers = [...subscriptions].filter(({ matches }) => matches(channel));
      for (const { deliver } of receivers) {
        deliver(Buffer.from(channel, "latin1").toString(), Buffer.from(message, "latin1"));
      }
      return receivers.length;
    },
  };
  let lua: LuaHost | undefined;
  const host = (): LuaHost => (lua ??= createLuaHost());

  /**
   * Returns the error that Redis gives before it runs a command: an unknown name, or a wrong number
   * of arguments.
   */
  const refusal = (name: string, args: number, inScript: boolean): string | undefined => {
    const spec = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!spec) {
      return inScript
        ? "ERR Unknown Redis command called from script"
        : `ERR unknown command '${name}': the embedded Redis does not have it; LOCAL_REDIS=server uses a real one`;
    }
    if (fits(spec, args)) return undefined;
    return inScript ? "ERR Wrong number of args calling Redis command from script" : arity(name);
  };

  const execute = (name: string, args: readonly Bytes[]): Answer => {
    for (const key of keysRead(name, args)) store.countRead(key);
    try {
      return commands[name]!.run(context, args);
    } catch (error) {
      if (error instanceof CommandError) return { error: error.message };
      throw error;
    }
  };

  const runScript = ({ script, keys, args, readOnly }: ScriptCall): Executed => {
    let calls = 0;
    const protectedRun = readOnly || script.flags.includes("no-writes");
    const answer = host().run({
      script,
      keys: keys.map(bytes),
      args: args.map(bytes),
      onCall: () => {
        calls += 1;
      },
      command: (given, words) => {
        const name = given.toUpperCase();
        const refused = refusal(name, words.length, true);
        if (refused !== undefined) return { error: refused };
        if (protectedRun && !onlyReads(name)) {
          return { error: "ERR Write commands are not allowed from read-only scripts." };
        }
        return execute(name, words);
      },
    });
    return { reply: toReply(answer), commands: 1 + calls };
  };

  const run = (operation: Operation): Executed =>
    store.atOneInstant(() => {
      if (operation.kind === "script") return runScript(operation);
      const refused = refusal(operation.name, operation.args.length, false);
      if (refused !== undefined) return { reply: { error: refused }, commands: 1 };
      return { reply: toReply(execute(operation.name, operation.args.map(bytes))), commands: 1 };
    });

  return {
    label: "embedded Redis",
    run: async (operation) => run(operation),
    async transaction(operations): Promise<readonly Executed[] | ErrorReply> {
      const refused = operations.some(
        (operation) =>
          operation.kind === "command" &&
          refusal(operation.name, operation.args.length, false) !== undefined,
      );
      if (refused) return { error: "EXECABORT Transaction discarded because of previous errors." };
      return store.atOneInstant(() => operations.map(run));
    },
    async check(script) {
      const message = host().check(script);
      return message === undefined ? undefined : { error: compileError(message) };
    },
    async subscribe(kind, name, deliver) {
      const wanted = bytes(Buffer.from(name));
      const matches =
        kind === "pattern" ? globMatcher(wanted) : (channel: Bytes) => channel === wanted;
      const subscription: Subscription = { matches, deliver };
      subscriptions.add(subscription);
      return () => void subscriptions.delete(subscription);
    },
    async wipe() {
      store.clear();
    },
    async close() {
      subscriptions.clear();
      if (file !== undefined) writeFileSync(file, JSON.stringify(store.dump()));
    },
  };
}

function bytes(buffer: Buffer): Bytes {
  return buffer.toString("latin1");
}

function toReply(answer: Answer): Reply {
  if (answer === null || typeof answer === "number") return answer;
  if (typeof answer === "string") return Buffer.from(answer, "latin1");
  if ("status" in answer || "error" in answer) return answer;
  return answer.map(toReply);
}
