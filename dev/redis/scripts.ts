import type { Operation, RedisEngine, Reply } from "./engine.ts";
import type { Script } from "./script.ts";
import { parseScript } from "./script.ts";

/** A command after its script has been looked up: an operation for the engine, or a reply. */
export type Resolved = { readonly operation: Operation } | { readonly reply: Reply };

export interface Scripts {
  /** Translates EVAL, EVALSHA, their read-only forms and SCRIPT into operations of the engine. */
  resolve(name: string, args: readonly Buffer[]): Promise<Resolved>;
}

const error = (message: string): Resolved => ({ reply: { error: message } });
const NOSCRIPT = "NOSCRIPT No matching script. Please use EVAL.";

/**
 * Creates the table of scripts, by the SHA1 of the source as sent. The gateway holds it, because
 * the engines run a different source (see {@link parseScript}).
 */
export function createScripts(engine: RedisEngine): Scripts {
  const known = new Map<string, Script>();

  const evaluate = async (name: string, args: readonly Buffer[]): Promise<Resolved> => {
    const [subject, count, ...rest] = args;
    if (subject === undefined || count === undefined) return error(arity(name));
    const numkeys = Number(count.toString());
    if (!/^[+-]?\d+$/.test(count.toString()))
      return error("ERR value is not an integer or out of range");
    if (numkeys < 0) return error("ERR Number of keys can't be negative");
    if (numkeys > rest.length)
      return error("ERR Number of keys can't be greater than number of args");
    const bySha = name.startsWith("EVALSHA");
    const script = bySha
      ? known.get(subject.toString().toLowerCase())
      : parseScript(subject.toString());
    if (!script) return error(NOSCRIPT);
    if (!known.has(script.sha)) {
      const refusal = await engine.check(script);
      if (refusal) return { reply: refusal };
      known.set(script.sha, script);
    }
    return {
      operation: {
        kind: "script",
        script,
        keys: rest.slice(0, numkeys),
        args: rest.slice(numkeys),
        readOnly: name.endsWith("_RO"),
      },
    };
  };

  const administer = async (args: readonly Buffer[]): Promise<Resolved> => {
    const [action = "", ...rest] = args.map((arg) => arg.toString());
    switch (action.toUpperCase()) {
      case "LOAD": {
        if (rest.length !== 1) return error(arity("SCRIPT|LOAD"));
        const script = parseScript(rest[0]!);
        const refusal = await engine.check(script);
        if (refusal) return { reply: refusal };
        known.set(script.sha, script);
        return { reply: Buffer.from(script.sha) };
      }
      case "EXISTS":
        if (rest.length === 0) return error(arity("SCRIPT|EXISTS"));
        return { reply: rest.map((sha) => (known.has(sha.toLowerCase()) ? 1 : 0)) };
      case "FLUSH":
        known.clear();
        return { reply: { status: "OK" } };
      default:
        return error(`ERR unknown subcommand '${action}'. Try SCRIPT HELP.`);
    }
  };

  return {
    async resolve(name, args) {
      switch (name) {
        case "EVAL":
        case "EVAL_RO":
        case "EVALSHA":
        case "EVALSHA_RO":
          return evaluate(name, args);
        case "SCRIPT":
          return administer(args);
        default:
          return { operation: { kind: "command", name, args } };
      }
    },
  };
}

/** Returns Redis's message for a wrong number of arguments. */
export function arity(name: string): string {
  return `ERR wrong number of arguments for '${name.toLowerCase()}' command`;
}
