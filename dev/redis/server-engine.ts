import { Redis } from "ioredis";
import type { ErrorReply, Executed, Operation, RedisEngine, Reply } from "./engine.ts";
import { countingSource, redisSource } from "./script.ts";

/**
 * Connects to a real Redis, version 7 or later (for EVAL_RO), over one connection. The commands of
 * a request follow each other on it, and a transaction is written at once. Rejects if the server
 * does not answer.
 */
export async function createServerEngine(url: string, label: string): Promise<RedisEngine> {
  const client = new Redis(url, {
    maxRetriesPerRequest: 1,
    enableAutoPipelining: false,
    lazyConnect: true,
  });
  // Without a listener ioredis prints errors. A lost connection shows in the answer of the next
  // command.
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (error) {
    client.disconnect();
    throw error;
  }
  const info = (await client.info("server")).match(/redis_version:(\S+)/)?.[1] ?? "?";

  // The names are in upper case: ioredis reshapes some replies (HGETALL) that it recognises by
  // lower-case names.
  const call = async (operation: Operation): Promise<Executed> => {
    const [name, ...args] = toCommand(operation);
    try {
      return unwrap(operation, toReply(await client.callBuffer(name, args)));
    } catch (error) {
      return unwrap(operation, redisError(error));
    }
  };

  return {
    label: `${label} ${info}`,
    run: call,
    async transaction(operations) {
      // Writes everything at once, so that no other command comes in between on this connection.
      const begun = client.callBuffer("MULTI", []);
      const queued = operations.map((operation) => {
        const [name, ...args] = toCommand(operation);
        return client.callBuffer(name, args).catch(() => undefined);
      });
      const executed = client.callBuffer("EXEC", []);
      await Promise.allSettled([begun, ...queued, executed]);
      try {
        const replies = toReply(await executed) as readonly Reply[];
        return operations.map((operation, index) => unwrap(operation, replies[index] ?? null));
      } catch (error) {
        return redisError(error);
      }
    },
    async check(script) {
      try {
        // Loads the plain script first, so that a compile error quotes the script's own text.
        await client.callBuffer("SCRIPT", ["LOAD", redisSource(script)]);
        await client.callBuffer("SCRIPT", ["LOAD", countingSource(script)]);
        return undefined;
      } catch (error) {
        return redisError(error);
      }
    },
    async subscribe(kind, name, onMessage) {
      const subscriber = client.duplicate();
      subscriber.on("error", () => undefined);
      if (kind === "channel") {
        subscriber.on("messageBuffer", (channel: Buffer, message: Buffer) =>
          onMessage(channel.toString(), message),
        );
        await subscriber.subscribe(name);
      } else {
        subscriber.on("pmessageBuffer", (_pattern: string, channel: Buffer, message: Buffer) =>
          onMessage(channel.toString(), message),
        );
        await subscriber.psubscribe(name);
      }
      return () => subscriber.disconnect();
    },
    async wipe() {
      await client.flushdb();
    },
    async close() {
      client.disconnect();
    },
  };
}

function toCommand(operation: Operation): [string, ...(string | Buffer)[]] {
  if (operation.kind === "command") return [operation.name, ...operation.args];
  return [
    operation.readOnly ? "EVAL_RO" : "EVAL",
    countingSource(operation.script),
    String(operation.keys.length),
    ...operation.keys,
    ...operation.args,
  ];
}

/** Splits the `{count, reply}` or `{count, false, error}` of a counting script. */
function unwrap(operation: Operation, reply: Reply): Executed {
  if (operation.kind === "command" || !Array.isArray(reply)) return { reply, commands: 1 };
  const [count, result, failure] = reply as readonly Reply[];
  const commands = 1 + Number(count);
  if (Buffer.isBuffer(failure)) return { reply: { error: failure.toString() }, commands };
  return { reply: result ?? null, commands };
}

/**
 * Converts a reply of ioredis, which returns status lines and bulk strings alike. Clients
 * distinguish only `OK`.
 */
function toReply(value: unknown): Reply {
  if (value === null || value === undefined) return null;
  if (typeof value === "number" || Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return (value as unknown[]).map(toReply);
  if (value instanceof Error) return { error: value.message };
  return Buffer.from(JSON.stringify(value));
}

/** Converts an error of Redis to a reply. Throws any other error, such as a lost connection. */
function redisError(error: unknown): ErrorReply {
  if (error instanceof Error && error.name === "ReplyError") return { error: error.message };
  throw error;
}
