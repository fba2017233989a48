/** Compares what a visitor got directly with what the same visitor got through the proxy. */
import type { IncomingHttpHeaders } from "node:http";
import type { Exchange, Visit } from "./visitor.ts";

/** Fields that may differ in every answer. docs/http.md, "What differs from the origin's own answer", has the reasons. */
const MAY_DIFFER: ReadonlySet<string> = new Set([
  // Strata adds them.
  "age",
  "cache-status",
  "server-timing",
  "traceparent",
  "via",
  "x-cache-status",
  "x-response-time",
  // Each connection has its own.
  "connection",
  "keep-alive",
  "transfer-encoding",
  // A stored response keeps the time at which the origin made it.
  "date",
]);

/** The only fields of a 304 that a cache makes (RFC 9110, 15.4.5). */
const ON_304: ReadonlySet<string> = new Set([
  "cache-control",
  "content-location",
  "etag",
  "expires",
  "set-cookie",
]);

/** What else may differ, in answers of one sort only. */
const EXCEPTIONS: readonly {
  readonly of: (direct: Exchange, proxied: Exchange) => boolean;
  readonly mayDiffer: (part: string) => boolean;
}[] = [
  {
    // The length of a stored body is known, and `wrangler dev` sends HTML in chunks.
    of: (direct, proxied) => isChunked(direct) || isChunked(proxied),
    mayDiffer: (part) => part === "content-length",
  },
  {
    // An application codes what it streams piece by piece, so the coded bytes depend on its timing.
    of: (...both) => both.every((exchange) => isChunked(exchange) && isCoded(exchange)),
    mayDiffer: (part) => part === "bytes",
  },
  {
    // The platform compresses a body that the application sent as it is, in development as at the edge.
    of: (direct, proxied) => !isCoded(direct) && isCoded(proxied),
    mayDiffer: (part) => ["bytes", "content-encoding", "content-length"].includes(part),
  },
  {
    // Strata answers HEAD with the fields of GET. Applications often do not compress for HEAD.
    of: ({ what }) => what.startsWith("HEAD "),
    mayDiffer: (part) => ["content-encoding", "content-length"].includes(part),
  },
  {
    of: ({ answer }) => answer.status === 304,
    mayDiffer: (part) => part !== "status" && !ON_304.has(part),
  },
  {
    // Strata's own 416 has no body, and so no fields of one.
    of: ({ answer }, proxied) => answer.status === 416 && proxied.answer.body.byteLength === 0,
    mayDiffer: (part) => part !== "status" && part !== "content-range",
  },
];

function isChunked({ answer }: Exchange): boolean {
  return answer.headers["transfer-encoding"] === "chunked";
}

function isCoded({ answer }: Exchange): boolean {
  return answer.headers["content-encoding"] !== undefined;
}

/** What a visitor did at the application, and the same through the proxy. */
export interface Pair {
  readonly direct: Visit;
  readonly proxied: Visit;
}

/** Describes each answer of the proxy that differs from the direct one, or shows something of another visitor. */
export function faultsIn(pairs: readonly Pair[]): string[] {
  return [
    ...pairs.flatMap(({ direct, proxied }) => differences(direct, proxied)),
    ...leaks(pairs.map(({ proxied }) => proxied)),
  ];
}

function differences(direct: Visit, proxied: Visit): string[] {
  if (direct.exchanges.length !== proxied.exchanges.length) return ["a visit is shorter"];
  return direct.exchanges.flatMap((expected, index) => {
    const actual = proxied.exchanges[index] ?? expected;
    const exceptions = EXCEPTIONS.filter(({ of }) => of(expected, actual));
    const [one, other] = [comparable(expected, direct), comparable(actual, proxied)];
    return Object.keys({ ...one, ...other })
      .filter((part) => one[part] !== other[part])
      .filter((part) => !exceptions.some(({ mayDiffer }) => mayDiffer(part)))
      .map((part) => `${one["what"]}: ${part} is ${other[part]}, not ${one[part]}`);
  });
}

const SCRIPT = /<script\b.*?<\/script>/gs;

/** The parts of an exchange that have to be equal, with the visit's own secrets and address replaced. */
function comparable({ what, answer, text }: Exchange, visit: Visit): Record<string, string> {
  const neutral = (value: string): string => withoutSecrets(value, visit);
  // React sends its scripts between the parts of a streamed page, where its timing puts them.
  const markup = text.includes("$RC=") ? text.replaceAll(SCRIPT, "") : text;
  const body = neutral(markup);
  // The coded bytes have to be equal too, unless a secret of the visit is in them.
  const bytes = body === markup ? answer.body.toString("base64") : "with a secret";
  const fields = Object.entries(answer.headers)
    .filter(([name]) => !MAY_DIFFER.has(name))
    .map(([name, value]): [string, string] => [name, neutral(fieldOf(name, value))]);
  const parts = Object.fromEntries(fields);
  // The entity tag of a page with a secret is a hash that differs at every visit.
  if (body !== markup && parts["etag"] !== undefined)
    parts["etag"] = parts["etag"].replace(/"[^"]*"/, '"of a secret"');
  return { what: neutral(what), status: String(answer.status), ...parts, body, bytes };
}

function withoutSecrets(value: string, { secrets, base }: Visit): string {
  const { origin, host } = new URL(base);
  return [...secrets, origin, host].reduce(
    (text, secret) => text.replaceAll(secret, secrets.has(secret) ? "<secret>" : "<here>"),
    value,
  );
}

function fieldOf(name: string, value: IncomingHttpHeaders[string]): string {
  const text = [value ?? ""].flat().join("\n");
  return name === "set-cookie" ? text.replaceAll(/Expires=[^;\n]*/gi, "Expires=<date>") : text;
}

/** Describes each answer in which a visitor sees the name or a secret of another one. */
function leaks(visits: readonly Visit[]): string[] {
  return visits.flatMap((visit) =>
    visits.flatMap((other) => {
      const foreign = [other.name, ...other.secrets].filter(
        (value) => value !== visit.name && !visit.secrets.has(value),
      );
      return visit.exchanges.flatMap(({ what, answer, text }) => {
        const seen = `${JSON.stringify(answer.headers)}\n${text}`;
        return foreign
          .filter((value) => seen.includes(value))
          .map((value) => `${visit.name} sees ${value} of ${other.name}: ${what}`);
      });
    }),
  );
}
