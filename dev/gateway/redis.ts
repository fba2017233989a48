import { timingSafeEqual } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { Executed, Operation, RedisEngine } from "../redis/engine.ts";
import { isError } from "../redis/engine.ts";
import { isAvailable, onlyReads } from "../redis/commands.ts";
import type { Scripts } from "../redis/scripts.ts";
import { createScripts } from "../redis/scripts.ts";
import type { Counts } from "./counts.ts";
import type { Answer } from "./http.ts";
import { json } from "./http.ts";
import type { Call, Gateway, GatewayRequest } from "./server.ts";
import type { ParsedCommand } from "./upstash-encoding.ts";
import { encodeReply, MalformedCommand, parseCommandJson, toCommand } from "./upstash-encoding.ts";
import { streamSubscription } from "./redis-stream.ts";

export interface RedisGatewayOptions {
  readonly engine: RedisEngine;
  readonly token: string;
  readonly counts: Counts;
}

/**
 * Speaks Upstash's REST protocol: a command as a JSON array, `/pipeline`, `/multi-exec`,
 * `/subscribe`, `/psubscribe`, and commands as paths.
 * @see https://upstash.com/docs/redis/features/restapi
 */
export function createRedisGateway({ engine, token, counts }: RedisGatewayOptions): Gateway {
  const scripts = createScripts(engine);
  return {
    name: "redis",
    failure: (status, message) => json(status, { error: `ERR ${message}` }),
    prepare(request) {
      const refusal = authorise(request, token);
      if (refusal) return refusal;
      if (!["GET", "HEAD", "POST", "PUT"].includes(request.method)) {
        return json(405, { error: "ERR unsupported HTTP method" });
      }
      const base64 = request.headers["upstash-encoding"] === "base64";
      try {
        return route(request, { engine, scripts, counts, base64 });
      } catch (error) {
        if (error instanceof MalformedCommand) return json(400, { error: error.message });
        throw error;
      }
    },
  };
}

interface Setting {
  readonly engine: RedisEngine;
  readonly scripts: Scripts;
  readonly counts: Counts;
  readonly base64: boolean;
}

function authorise(request: GatewayRequest, token: string): Answer | undefined {
  const header = request.headers.authorization ?? "";
  const given = /^bearer\s+(.+)$/i.exec(header)?.[1] ?? request.query.get("_token") ?? "";
  if (given === "") return json(401, { error: "Unauthorized" });
  const [left, right] = [Buffer.from(given), Buffer.from(token)];
  if (left.length === right.length && timingSafeEqual(left, right)) return undefined;
  return json(401, { error: "WRONGPASS invalid or missing auth token" });
}

function route(request: GatewayRequest, setting: Setting): Call {
  const segments = request.path.split("/").slice(1).map(decodeSegment);
  const [first = "", ...rest] = segments;
  switch (first.toLowerCase()) {
    case "":
      return single(toCommand(parseCommandJson(request.body.toString())), setting);
    case "pipeline":
      return pipeline(commandList(request, "pipeline"), setting);
    case "multi-exec":
      return multiExec(commandList(request, "multi-exec"), setting);
    case "subscribe":
    case "psubscribe":
      return subscription(
        first.toLowerCase() === "subscribe" ? "channel" : "pattern",
        rest,
        setting,
      );
    default:
      return single(pathCommand(segments, request), setting);
  }
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new MalformedCommand("ERR failed to parse command: invalid percent-encoding in the path");
  }
}

/** Parses `/set/key/value`. A body is the last argument, and query parameters follow it. */
function pathCommand(segments: readonly string[], request: GatewayRequest): ParsedCommand {
  const [name = "", ...args] = segments;
  const list: Buffer[] = args.map((arg) => Buffer.from(arg));
  if (request.body.length > 0) list.push(request.body);
  for (const [key, value] of request.query) {
    if (key === "_token") continue;
    list.push(Buffer.from(key));
    if (value !== "") list.push(Buffer.from(value));
  }
  return { name: name.toUpperCase(), args: list };
}

function commandList(request: GatewayRequest, kind: string): readonly ParsedCommand[] {
  const value = parseCommandJson(request.body.toString());
  if (!Array.isArray(value) || !value.every((item) => Array.isArray(item))) {
    throw new MalformedCommand(`ERR failed to parse ${kind} request`);
  }
  if (value.length === 0) throw new MalformedCommand(`ERR empty ${kind} request`);
  return value.map(toCommand);
}

/** Resolves a command to an operation for the engine, or to an answer that needs no engine. */
async function resolve(
  command: ParsedCommand,
  scripts: Scripts,
): Promise<{ operation: Operation } | Executed> {
  if (!isAvailable(command.name)) {
    return {
      reply: {
        error: `ERR Command is not available: '${command.name}'. See https://upstash.com/docs/redis/overall/rediscompatibility`,
      },
      commands: 1,
    };
  }
  const resolved = await scripts.resolve(command.name, command.args);
  return "operation" in resolved ? resolved : { reply: resolved.reply, commands: 1 };
}

async function perform(
  command: ParsedCommand,
  { engine, scripts, counts }: Setting,
  refusal: string | undefined,
): Promise<Executed> {
  const resolved = await resolve(command, scripts);
  const executed =
    "operation" in resolved
      ? await runUnlessRefused(engine, resolved.operation, refusal)
      : resolved;
  counts.redis.commands += executed.commands;
  return executed;
}

/** Runs an operation. With a refusal, as on a replica or a full database, what writes gets that error. */
async function runUnlessRefused(
  engine: RedisEngine,
  operation: Operation,
  refusal: string | undefined,
): Promise<Executed> {
  if (refusal === undefined) return engine.run(operation);
  const refused: Executed = { reply: { error: refusal }, commands: 1 };
  if (operation.kind === "command")
    return onlyReads(operation.name) ? engine.run(operation) : refused;
  const executed = await engine.run({ ...operation, readOnly: true });
  return isError(executed.reply) && WRITES_IN_READ_ONLY.test(executed.reply.error)
    ? { ...refused, commands: executed.commands }
    : executed;
}

const WRITES_IN_READ_ONLY = /Write commands are not allowed from read-only scripts/;

function present({ reply }: Executed, base64: boolean): { result: unknown } | { error: string } {
  return isError(reply) ? { error: reply.error } : { result: encodeReply(reply, base64) };
}

/** Answers 502, not 400: the engine is unreachable, so this is not an error of Redis. */
function unreachable(error: unknown): Answer {
  return json(502, {
    error: `ERR the local Redis does not answer: ${error instanceof Error ? error.message : String(error)}`,
  });
}

function accessOf(commands: readonly ParsedCommand[]): "read" | "write" {
  return commands.every(({ name }) => onlyReads(name)) ? "read" : "write";
}

function single(command: ParsedCommand, setting: Setting): Call {
  return {
    access: accessOf([command]),
    async execute(_response, plan) {
      try {
        const result = present(await perform(command, setting, plan?.refuseWrites), setting.base64);
        return json("error" in result ? 400 : 200, result);
      } catch (error) {
        return unreachable(error);
      }
    },
  };
}

/**
 * Runs the commands one by one, each with its own result or error. Commands of other clients may
 * run in between.
 */
function pipeline(commands: readonly ParsedCommand[], setting: Setting): Call {
  return {
    access: accessOf(commands),
    async execute(_response, plan) {
      try {
        const results: unknown[] = [];
        for (const command of commands)
          results.push(
            present(await perform(command, setting, plan?.refuseWrites), setting.base64),
          );
        return json(200, results);
      } catch (error) {
        return unreachable(error);
      }
    },
  };
}

/**
 * Runs the commands as a transaction. A command that cannot be queued discards the whole
 * transaction.
 */
function multiExec(commands: readonly ParsedCommand[], setting: Setting): Call {
  return {
    access: accessOf(commands),
    async execute(_response, plan) {
      if (plan?.refuseWrites !== undefined && accessOf(commands) === "write")
        return json(400, { error: plan.refuseWrites });
      try {
        const operations: Operation[] = [];
        const answers: (Executed | undefined)[] = [];
        for (const command of commands) {
          const resolved = await resolve(command, setting.scripts);
          if ("operation" in resolved) operations.push(resolved.operation);
          if (!isAvailable(command.name)) {
            return json(400, present(resolved as Executed, setting.base64));
          }
          answers.push("operation" in resolved ? undefined : resolved);
        }
        const executed = await setting.engine.transaction(operations);
        if (isError(executed as never)) return json(400, executed);
        const remaining = [...(executed as readonly Executed[])];
        const results = answers.map((answer) => {
          const result = answer ?? remaining.shift()!;
          setting.counts.redis.commands += result.commands;
          return present(result, setting.base64);
        });
        return json(200, results);
      } catch (error) {
        return unreachable(error);
      }
    },
  };
}

function subscription(
  kind: "channel" | "pattern",
  names: readonly string[],
  setting: Setting,
): Call {
  const [name = ""] = names;
  if (names.length !== 1 || name === "")
    throw new MalformedCommand("ERR one channel is needed: /subscribe/<channel>");
  return {
    access: "read",
    async execute(response: ServerResponse) {
      setting.counts.redis.commands += 1;
      try {
        await streamSubscription(setting.engine, kind, name, response);
        return "streaming";
      } catch (error) {
        return unreachable(error);
      }
    },
  };
}
