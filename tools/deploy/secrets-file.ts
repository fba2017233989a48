import { parseEnv } from "node:util";

/**
 * Parses the file of `wrangler deploy --secrets-file`: a JSON object, or lines of NAME=value.
 *
 * @returns the value of each secret by its name
 */
export function parseSecretsFile(text: string): Readonly<Record<string, string>> {
  const entries: [string, unknown][] = text.trimStart().startsWith("{")
    ? Object.entries(parseJson(text))
    : Object.entries(parseEnv(text));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

/** Throws an error of its own, because the message of the parser quotes the file. */
function parseJson(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new Error("the secrets file begins with { and is not valid JSON");
  }
}
