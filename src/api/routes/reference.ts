import { Hono } from "hono";
import { html, raw } from "hono/html";
import { SECURITY_FIELDS, type StrataEnv } from "../../index.ts";
import { openapi } from "../openapi.ts";

const METHODS = ["get", "post", "put", "patch", "delete"] as const;
const CACHED_FOR_ONE_HOUR = { "Cache-Control": "public, max-age=3600" };

const STYLE = `
:root {
  color-scheme: light dark;
}
body {
  font:
    1rem/1.5 system-ui,
    sans-serif;
  max-width: 50rem;
  margin: 2rem auto;
  padding: 0 1rem;
}
h2 {
  font:
    600 1rem ui-monospace,
    monospace;
  margin-top: 2rem;
}
dt {
  font-family: ui-monospace, monospace;
  float: left;
  clear: left;
  width: 4rem;
}
dd {
  margin-left: 4rem;
}
`;

/** Serves the OpenAPI document at `GET /openapi.json`, and as an HTML page at `GET /docs`. */
export function referenceRoutes(): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();
  routes.get("/openapi.json", (c) => c.json(openapi, 200, CACHED_FOR_ONE_HOUR));
  routes.get("/docs", async (c) => {
    const headers = {
      ...CACHED_FOR_ONE_HOUR,
      ...SECURITY_FIELDS,
      "Content-Security-Policy": await pagePolicy(),
      "Cross-Origin-Opener-Policy": "same-origin",
    };
    return c.html(page(), 200, headers);
  });
  return routes;
}

/** Returns the policy of the page. It allows the page's own style by its hash, and no script. */
async function pagePolicy(): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(STYLE));
  const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

interface Operation {
  readonly summary: string;
  readonly security?: readonly object[];
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

function page() {
  const { title, description } = openapi.info;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <h1>${title}</h1>
        <p>${description} As <a href="openapi.json">OpenAPI</a>.</p>
        ${operations().map(
          ({ path, method, operation }) =>
            html`<section>
              <h2>${method.toUpperCase()} ${path}</h2>
              <p>${operation.summary} ${operation.security ? "Bearer token." : ""}</p>
              <dl>
                ${Object.entries(operation.responses).map(
                  ([status, response]) =>
                    html`<dt>${status}</dt>
                      <dd>${response.description}</dd>`,
                )}
              </dl>
            </section>`,
        )}
      </body>
    </html>`;
}

function operations(): { path: string; method: string; operation: Operation }[] {
  const paths: Readonly<Record<string, Partial<Record<string, unknown>>>> = openapi.paths;
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) =>
      item[method] === undefined ? [] : [{ path, method, operation: item[method] as Operation }],
    ),
  );
}
