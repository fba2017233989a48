import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { ask, type Answered, type Asking } from "../../e2e/support/ask.ts";

/** One request of a visitor, and its answer. */
export interface Exchange {
  readonly what: string;
  readonly answer: Answered;
  /** The body, decoded, in Latin-1. */
  readonly text: string;
}

export interface VisitorRequest extends Asking {
  /** The fields of a form: the body, and its Content-Type. */
  readonly form?: Readonly<Record<string, string>>;
}

/** What a visitor has done so far. */
export interface Visit {
  readonly name: string;
  /** The address that the visitor uses. */
  readonly base: string;
  /** Cookies, tokens and ids that only this visitor has, and that differ at every visit. */
  readonly secrets: ReadonlySet<string>;
  readonly exchanges: readonly Exchange[];
}

/** A browser: it keeps cookies, and does not follow redirects. */
export interface Visitor extends Visit {
  ask(path: string, request?: VisitorRequest): Promise<Exchange>;
  /** The visitor's Cookie field. */
  cookie(): string;
  /** Marks a value as one of this visitor's secrets. */
  keepSecret(value: string): string;
}

/** A shorter cookie could occur in the page of another visitor by chance. */
const SECRET_LENGTH = 8;

/** The visitors of an application use names of equal length, so that their pages have equal lengths too. */
export function createVisitor(name: string, base: string): Visitor {
  const jar = new Map<string, string>();
  const secrets = new Set<string>();
  const exchanges: Exchange[] = [];

  function keepCookies({ headers }: Answered): void {
    for (const cookie of headers["set-cookie"] ?? []) {
      const [, key = "", value = ""] = /^([^=]*)=([^;]*)/.exec(cookie) ?? [];
      if (value === "") jar.delete(key);
      else jar.set(key, value);
      if (value.length >= SECRET_LENGTH && !value.includes(name)) secrets.add(value);
    }
  }

  const cookie = (): string => [...jar].map(([key, value]) => `${key}=${value}`).join("; ");

  return {
    name,
    base,
    secrets,
    exchanges,
    cookie,
    keepSecret(value) {
      secrets.add(value);
      return value;
    },
    async ask(path, { form, ...request } = {}) {
      const headers = {
        "Accept-Encoding": "gzip",
        ...(jar.size > 0 && { Cookie: cookie() }),
        ...(form !== undefined && { "Content-Type": "application/x-www-form-urlencoded" }),
        ...request.headers,
      };
      const body = form === undefined ? {} : { body: new URLSearchParams(form).toString() };
      const answer = await ask(base, path, { ...request, headers, ...body });
      keepCookies(answer);
      const what = [request.method ?? "GET", path, JSON.stringify(request.headers ?? {})].join(" ");
      const exchange = { what, answer, text: decoded(answer) };
      exchanges.push(exchange);
      return exchange;
    },
  };
}

function decoded({ headers, body }: Answered): string {
  if (body.byteLength === 0) return "";
  const coding = headers["content-encoding"];
  if (coding === "gzip") return gunzipSync(body).toString("latin1");
  if (coding === "br") return brotliDecompressSync(body).toString("latin1");
  return body.toString("latin1");
}
