import type { UnkeyedRead } from "../core/events.ts";

/** The most reads that are remembered as printed. */
const MAX_PRINTED = 1_000;

/**
 * Creates the function that tells a developer about parts of requests that the key of a cached
 * route does not name. It prints one line for each part of a route, with what to write instead.
 */
export function createUnkeyedNotices(print: (line: string) => void): (read: UnkeyedRead) => void {
  const printed = new Set<string>();
  return (read) => {
    const { route, part, name, outcome, definedAt } = read;
    const id = JSON.stringify([route, definedAt, part, name]);
    if (printed.has(id) || printed.size >= MAX_PRINTED) return;
    printed.add(id);
    const effect =
      outcome === "hidden" ? "The handler got nothing." : "The response goes to this client alone.";
    print(
      `strata: the handler of ${route} read ${nameOfPart(read)}, which the key of cached() does not name. ` +
        `${effect} ${fixOf(read)} cached() is called at ${definedAt}.`,
    );
  };
}

function nameOfPart({ part, name }: UnkeyedRead): string {
  switch (part) {
    case "header":
      return `the request field ${name}`;
    case "cf":
      return "request.cf";
    case "variable":
      return `the variable ${name}`;
    case "tenant":
      return "the data of a tenant";
    case "param":
      return `the path parameter ${name}`;
    case "path":
      return "the path";
    case "validated":
      return `what a validator before cached() took from the ${name}`;
    case "key":
      return "a request for which the key function returned two keys";
  }
}

function fixOf({ part, name }: UnkeyedRead): string {
  switch (part) {
    case "header":
      return name === "cookie"
        ? 'Name the cookies: key: { cookies: ["theme"] }.'
        : `Name it: key: { headers: ["${name}"] }.`;
    case "cf":
      return 'Name its members: key: { cf: ["country"] }.';
    case "variable":
      return `Name it: key: { variables: ["${name}"] }, or shared: ["${name}"] if it is the same for every client.`;
    case "tenant":
      return "Name the tenant: key: { variables: [...] } with its variable, or a key function that uses keysOf({ tenant }). If all may see it: sharesTenants: true.";
    case "param":
      return `Read c.req.param("${name}") in the key function, or name parts by rules, which always name the path.`;
    case "path":
      return "Read c.req.path in the key function, or name parts by rules, which always name the path.";
    case "validated":
      return "Put the validator after cached(), or name what it reads.";
    case "key":
      return "Make the key of the request alone, without a clock, a counter or a random number.";
  }
}
