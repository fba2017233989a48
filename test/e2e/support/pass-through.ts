/** Starts the product as a pass-through at the root, in front of a scripted origin. */
import { startScriptedOrigin } from "./scripted-origin.ts";
import { startProduct } from "./product.ts";

export const FRESH = ["Cache-Control", "max-age=3600"] as const;

export type PassThrough = Awaited<ReturnType<typeof startPassThrough>>;

/** Without `sharing` the product has its default mode. */
export async function startPassThrough({
  instances = 2,
  sharing,
}: {
  readonly instances?: number;
  readonly sharing?: "rfc";
} = {}) {
  const origin = await startScriptedOrigin();
  const product = await startProduct({
    instances,
    env: {
      ORIGIN_URL: origin.url,
      ORIGIN_AT_ROOT: "1",
      ...(sharing && { ORIGIN_SHARING: sharing }),
    },
  });
  const at = (instance: number): string => product.urls[instance] ?? "";

  return {
    origin,
    product,
    at,

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
