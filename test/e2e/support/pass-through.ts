/** The product as a pass-through at the root, two instances of it, before an origin that does as it is told. */
import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { buffer } from "node:stream/consumers";
import { startScriptedOrigin, type ScriptedResponse, type SeenRequest } from "./scripted-origin.ts";
import { startProduct } from "./product.ts";

export const FRESH = ["Cache-Control", "max-age=3600"] as const;

export type PassThrough = Awaited<ReturnType<typeof startPassThrough>>;

export async function startPassThrough() {
  const origin = await startScriptedOrigin();
  const product = await startProduct({
    instances: 2,
    env: { ORIGIN_URL: origin.url, ORIGIN_AT_ROOT: "1" },
  });
  const at = (instance: number): string => product.urls[instance] ?? "";
  let scripts = 0;

  return {
    origin,
    product,
    at,

    /** Tells the origin what to answer under a path of its own, which is returned. */
    async scripted(...responses: readonly ScriptedResponse[]): Promise<string> {
      const id = `s${++scripts}`;
      await fetch(`${origin.url}/script/${id}`, { method: "PUT", body: JSON.stringify(responses) });
      return `/r/${id}`;
    },

    async seen(path: string): Promise<readonly SeenRequest[]> {
      const response = await fetch(`${origin.url}${path.replace("/r/", "/script/")}`);
      return (await response.json()) as SeenRequest[];
    },

    async get(path: string, headers: Record<string, string> = {}, instance = 0) {
      const response = await fetch(`${at(instance)}${path}`, { headers, redirect: "manual" });
      const body = await response.text();
      return { response, body, cache: response.headers.get("X-Cache-Status") };
    },

    async stop(): Promise<void> {
      await product.stop();
      await origin.close();
    },
  };
}

interface Asking {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  readonly trailers?: NodeJS.Dict<string>;
}

export interface Answered {
  readonly status: number | undefined;
  readonly cache: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: NodeJS.Dict<string>;
}

/** Asks with exactly these fields: fetch would choose Host, Connection and Accept-Encoding, and decode the body. */
export function ask(
  base: string,
  path: string,
  { method, headers, body, trailers }: Asking = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const options = { ...(method && { method }), ...(headers && { headers }) };
    const sent = request(new URL(path, base), options, (response) => {
      const { statusCode: status, headers: received } = response;
      const cache = String(received["x-cache-status"]);
      buffer(response).then(
        (bytes) =>
          resolve({ status, cache, headers: received, body: bytes, trailers: response.trailers }),
        reject,
      );
    });
    sent.on("error", reject);
    if (body !== undefined) sent.write(body);
    if (trailers !== undefined) sent.addTrailers(trailers);
    sent.end();
  });
}
