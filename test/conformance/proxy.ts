/** The proxy in front of a scripted origin, with a clock that the test advances. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { passThrough, type Bindings, type StrataEnv, type StrataOptions } from "../../src/index.ts";
import { createTestClock, uniqueNamespace } from "../support/isolate.ts";
import { createTestLayer, type TestLayer } from "../support/layer.ts";

export interface Scripted {
  readonly status?: number;
  /** Several values of one name become several lines. `Date: null` sends no Date. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;
  /** The connection fails before anything arrives. A text is the runtime's error message. */
  readonly fails?: boolean | string;
  /** The response itself, in place of one that is made of the other members. */
  readonly response?: Response;
  /** Milliseconds that the origin takes, by the test's clock. */
  readonly takesMs?: number;
}

export type Script = Scripted | ((request: Request) => Scripted | Promise<Scripted>);

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** X-Cache-Status. */
  readonly cache: string | null;
}

export interface Sending {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly body?: string | ReadableStream<Uint8Array>;
  readonly host?: string;
  /** The request's `cf` object. */
  readonly cf?: Readonly<Record<string, string>>;
}

export interface Proxy {
  /** Sets the origin's responses, in order. The last one repeats. */
  answers(...scripts: readonly Script[]): void;
  get(headers?: Readonly<Record<string, string>>, path?: string): Promise<Answer>;
  send(sending: Sending): Promise<Answer>;
  /** Like `send`, but does not read the body. `settle` waits for the background work. */
  open(sending: Sending): Promise<{ response: Response; settle: () => Promise<void> }>;
  advance(seconds: number): void;
  /** The HTTP date in `seconds` from now. */
  date(seconds?: number): string;
  /** The requests that reached the origin. */
  readonly seen: Request[];
  /** Another isolate with the same edge, Redis and origin. */
  sibling(): Proxy;
  readonly layer: TestLayer;
}

export interface ProxyOptions {
  /** Default `rfc`, which is what the conformance checks measure. */
  readonly sharing?: "safe" | "rfc";
  readonly credentialHeaders?: readonly string[];
  readonly requestDirectives?: boolean;
  readonly forwardFields?: readonly string[];
  readonly dropFields?: readonly string[];
  readonly clientAddressHeader?: string;
  /** Default http://origin.test. */
  readonly origin?: string;
  readonly prefix?: string;
  readonly maxBodyBytes?: number;
  readonly headersTimeout?: number;
  readonly bindings?: Partial<Bindings>;
  /** The options of the layer. */
  readonly layer?: StrataOptions;
}

const ORIGIN = "http://origin.test";

export function createProxy(options: ProxyOptions = {}): Proxy {
  return build(uniqueNamespace(), options, createTestClock(), { scripts: [{}], next: 0, seen: [] });
}

interface Origin {
  scripts: readonly Script[];
  next: number;
  readonly seen: Request[];
}

function build(
  namespace: string,
  { bindings, origin: originUrl = ORIGIN, layer: layerOptions = {}, ...options }: ProxyOptions,
  clock: ReturnType<typeof createTestClock>,
  origin: Origin,
): Proxy {
  const layer = createTestLayer({
    now: clock.now,
    bindings: { STRATA_NAMESPACE: namespace, ...bindings },
    options: layerOptions,
  });
  const date = (seconds = 0): string => new Date(clock.now() + seconds * 1_000).toUTCString();

  async function fetchScripted(url: URL, init: RequestInit): Promise<Response> {
    const request = new Request(url, init);
    origin.seen.push(request);
    const script = origin.scripts[Math.min(origin.next, origin.scripts.length - 1)] ?? {};
    origin.next++;
    const scripted = typeof script === "function" ? await script(request) : script;
    if (scripted.takesMs !== undefined) clock.advance(scripted.takesMs);
    if (typeof scripted.fails === "string") throw new Error(scripted.fails);
    if (scripted.fails === true) throw new Error("connection refused");
    if (scripted.response !== undefined) return scripted.response;
    return responseOf(scripted, origin.next, request.method, date);
  }

  const pass = passThrough({
    origin: new URL(originUrl),
    invalidator: layer.invalidator,
    fetch: fetchScripted,
    ...options,
    sharing: options.sharing ?? "rfc",
  });
  const app = new Hono<StrataEnv>();
  app.use(layer.middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)));
  app.all("*", pass);

  const proxy: Proxy = {
    layer,
    seen: origin.seen,
    date,
    answers: (...scripts) => {
      origin.scripts = scripts;
      origin.next = 0;
    },
    get: (headers = {}, path = "/x") => proxy.send({ headers, path }),
    async open({
      method = "GET",
      headers = {},
      path = "/x",
      body,
      host = `${namespace}.test`,
      cf,
    }) {
      const execution = createExecutionContext();
      const init = { method, headers, ...(body !== undefined && { body }), ...(cf && { cf }) };
      const request = new Request(`http://${host}${path}`, init);
      const response = await app.fetch(request, env, execution);
      return { response, settle: () => waitOnExecutionContext(execution) };
    },
    async send(sending) {
      const { response, settle } = await proxy.open(sending);
      const body = new TextDecoder().decode(await response.arrayBuffer());
      await settle();
      const { status, headers } = response;
      return { status, headers, body, cache: headers.get("X-Cache-Status") };
    },
    advance: (seconds) => clock.advance(seconds * 1_000),
    sibling: () =>
      build(
        namespace,
        { ...(bindings && { bindings }), origin: originUrl, layer: layerOptions, ...options },
        clock,
        origin,
      ),
  };
  return proxy;
}

/** The default body is the number of the request at the origin, from 1. */
function responseOf(
  scripted: Scripted,
  number: number,
  method: string,
  date: () => string,
): Response {
  const { status = 200, headers: given = {} } = scripted;
  const headers = new Headers();
  if (given["Date"] === undefined) headers.set("Date", date());
  for (const [name, values] of Object.entries(given))
    for (const value of typeof values === "string" ? [values] : (values ?? []))
      headers.append(name, value);
  const bodiless = method === "HEAD" || status === 204 || status === 205 || status === 304;
  const body = bodiless ? null : (scripted.body ?? String(number));
  return new Response(body, { status, headers, encodeBody: "manual" });
}
