/** The place of the files of the pages: the binding ASSETS, which holds the folder `assets`. */
export interface AssetStore {
  fetch(request: Request): Promise<Response>;
}

const FIELDS = Object.entries({
  "Cache-Control": "no-cache",
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  // A page of another origin cannot hold a reference to this window.
  "Cross-Origin-Opener-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
});

/**
 * Returns a function that answers a request with a file of the folder `assets`, or with 304 if the
 * client has the file. A 304 has the same fields, because a browser replaces those of its copy with them.
 */
export function createPageAssets(
  assets: AssetStore,
): (name: string, request: Request) => Promise<Response> {
  return async (name, { url, headers }) => {
    const known = headers.get("If-None-Match");
    const found = await assets.fetch(
      new Request(new URL(`/${name}`, url), {
        ...(known !== null && { headers: { "If-None-Match": known } }),
      }),
    );
    const response = new Response(found.body, found);
    // The field is about the cache of the binding, not about this response.
    response.headers.delete("CF-Cache-Status");
    for (const [field, value] of FIELDS) response.headers.set(field, value);
    return response;
  };
}
