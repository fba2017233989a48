import type { Operation, RedisEngine, Reply } from "../../../dev/redis/engine.ts";
import { createScripts } from "../../../dev/redis/scripts.ts";

/** A command as words. The first word is its name. */
export type Step = readonly (string | number)[];

/** Runs commands one after the other, and records the output that redis-cli would show. */
export async function transcribe(engine: RedisEngine, steps: readonly Step[]): Promise<string> {
  const scripts = createScripts(engine);
  const lines: string[] = [];
  for (const step of steps) {
    const [name = "", ...args] = step.map(String);
    const resolved = await scripts.resolve(
      name.toUpperCase(),
      args.map((arg) => Buffer.from(arg)),
    );
    const { reply, commands } =
      "operation" in resolved
        ? await engine.run(resolved.operation)
        : { reply: resolved.reply, commands: 1 };
    lines.push(`> ${[name, ...args].map(word).join(" ")}`, show(reply, ""));
    if (commands !== 1) lines.push(`(${commands} commands)`);
  }
  return `${lines.join("\n")}\n`;
}

/** Formats one reply as text, with nested arrays indented. */
function show(reply: Reply, indent: string): string {
  if (reply === null) return `${indent}(nil)`;
  if (typeof reply === "number") return `${indent}(integer) ${reply}`;
  if (Buffer.isBuffer(reply)) return indent + JSON.stringify(reply.toString("latin1"));
  // An engine behind a client cannot distinguish a status from a string.
  if ("status" in reply) return indent + JSON.stringify(reply.status);
  if ("error" in reply) return `${indent}(error) ${reply.error}`;
  if (reply.length === 0) return `${indent}(empty)`;
  return reply
    .map((item, index) => `${indent}${index + 1})\n${show(item, `${indent}   `)}`)
    .join("\n");
}

/** Creates a plain command for {@link RedisEngine.run}. */
export function operation(name: string, ...args: readonly string[]): Operation {
  return { kind: "command", name, args: args.map((arg) => Buffer.from(arg)) };
}

function word(text: string): string {
  return /^[\w:.+*()[\]!{}-]+$/.test(text) ? text : JSON.stringify(text);
}
