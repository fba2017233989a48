import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { warmUrl } from "../../tools/deploy/warm.ts";

const DEPLOY = resolve(import.meta.dirname, "../../tools/deploy/deploy.ts");
const SECRETS = `DATABASE_URL=postgres://u:p@ep.neon.tech/db
UPSTASH_REDIS_REST_URL=https://x.upstash.io
UPSTASH_REDIS_REST_TOKEN=token
ADMIN_TOKEN=0123456789abcdef01234567
`;
const NOT_FOUND = 'echo "Worker \\"planted\\" not found." >&2; exit 1';

/** Makes a folder with a `wrangler` that answers `secret list` with the given text. */
function plant({ secretList = "", secrets = "", toml = "" }: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), "strata-deploy-"));
  writeFileSync(join(root, "wrangler.toml"), `name = "planted"\nmain = "w.ts"\n${toml}`);
  writeFileSync(join(root, "secrets.env"), secrets);
  writeFileSync(
    join(root, "wrangler"),
    `#!/bin/sh\nif [ "$1" = secret ]; then ${secretList}; else echo "ran wrangler $*"; fi\n`,
  );
  chmodSync(join(root, "wrangler"), 0o755);
  const { ADMIN_TOKEN: _token, STRATA_URL: _url, ...env } = process.env;
  return {
    args: [DEPLOY, ...(secrets === "" ? [] : ["--secrets-file", "secrets.env"])],
    options: { cwd: root, env: { ...env, PATH: `${root}:${process.env["PATH"]}` } },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Runs the deployment in its own folder. */
function deploy(files: Record<string, string>) {
  const { args, options, remove } = plant(files);
  try {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      ...options,
      encoding: "utf8",
    });
    return { status, output: stdout + stderr };
  } finally {
    remove();
  }
}

/** Runs the deployment of a Worker that answers at `STRATA_URL` as `worker` does. */
async function deployTo(
  worker: (request: IncomingMessage, response: ServerResponse) => void,
  files: Record<string, string>,
) {
  const server = createServer(worker).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { args, options, remove } = plant(files);
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const env = { ...options.env, STRATA_URL: url };
    const child = spawn(process.execPath, args, { ...options, env });
    const [stdout, stderr, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit") as Promise<[number]>,
    ]);
    return { status, output: stdout + stderr };
  } finally {
    server.close();
    remove();
  }
}

test("at a first deployment without secrets, the deploy script names each missing secret and does not call wrangler deploy", () => {
  const { status, output } = deploy({ secretList: NOT_FOUND });
  expect(status).toBe(1);
  expect(output).toContain("problem: DATABASE_URL: ");
  expect(output).toContain("problem: UPSTASH_REDIS_REST_URL: ");
  expect(output).toContain("problem: UPSTASH_REDIS_REST_TOKEN: ");
  expect(output).not.toContain("ran wrangler");
});

test("the deploy script calls wrangler deploy for a first deployment whose secrets are in a file", () => {
  const { status, output } = deploy({ secretList: NOT_FOUND, secrets: SECRETS });
  expect(output).toContain("ran wrangler deploy --secrets-file secrets.env");
  expect(output).toContain("warning: wrangler.toml has no route with its own domain");
  expect(status).toBe(0);
});

test("the deploy script rejects a malformed secret with an error that names the secret and does not contain its value", () => {
  const secrets = SECRETS.replace("postgres://u:p@ep.neon.tech/db", "mysql://hush");
  const { status, output } = deploy({ secretList: NOT_FOUND, secrets });
  expect(status).toBe(1);
  expect(output).toContain("problem: DATABASE_URL: must be a postgres:// URL");
  expect(output).not.toContain("hush");
});

test("the deploy script calls wrangler deploy without a secrets file if the Worker already has the required secrets", () => {
  const names = ["DATABASE_URL", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"];
  const secretList = `echo '${JSON.stringify(names.map((name) => ({ name })))}'`;
  const { status, output } = deploy({ secretList, toml: 'route = "cache.example.invalid/*"\n' });
  expect(output).toContain("ran wrangler deploy");
  expect(output).toContain("warning: ADMIN_TOKEN is not set");
  expect(output).not.toContain("workers.dev");
  expect(status).toBe(0);
});

test("the deploy script refuses a deployment if wrangler.toml sets NEON_ENDPOINT, a variable for local services only", () => {
  const toml = '[vars]\nNEON_ENDPOINT = "http://127.0.0.1:8790/sql"\n';
  const { status, output } = deploy({ secretList: NOT_FOUND, secrets: SECRETS, toml });
  expect(status).toBe(1);
  expect(output).toContain("problem: NEON_ENDPOINT: is for local services only");
});

test("the deploy script does not call wrangler deploy if wrangler cannot list the secrets of the Worker", () => {
  const { status, output } = deploy({ secretList: 'echo "not logged in" >&2; exit 1' });
  expect(status).toBe(1);
  expect(output).toContain("not logged in");
  expect(output).not.toContain("ran wrangler");
});

test("the deploy script prints no warning about a missing ADMIN_TOKEN if ADMIN_TOKENS is set", () => {
  const secrets = SECRETS.replace(/^ADMIN_TOKEN=/m, "ADMIN_TOKENS=ci:purge:");
  const { status, output } = deploy({ secretList: "echo []", secrets });
  expect(output).toContain("ran wrangler deploy");
  expect(output).not.toContain("ADMIN_TOKEN is not set");
  expect(status).toBe(0);
});

test("the deploy script warms the deployed Worker with the token of the secrets file, and prints the totals", async () => {
  const seen: (string | undefined)[] = [];
  const { status, output } = await deployTo(
    (request, response) => {
      void text(request).then((body) => {
        seen.push(request.method, request.url, request.headers.authorization, body);
        response.end('{"done":200,"total":200}\n{"finished":true,"loaded":200}\n');
      });
    },
    { secretList: NOT_FOUND, secrets: SECRETS },
  );
  expect(seen).toEqual([
    "POST",
    "/admin/warm",
    "Bearer 0123456789abcdef01234567",
    '{"kind":"hottest"}',
  ]);
  expect(output).toContain('warmed: {"finished":true,"loaded":200}');
  expect(output).not.toContain("0123456789abcdef01234567");
  expect(status).toBe(0);
});

test("a warm-up that the deployed Worker refuses is a warning of the deploy script, and the deployment succeeds", async () => {
  const { status, output } = await deployTo(
    (_request, response) => response.writeHead(403).end("{}"),
    { secretList: NOT_FOUND, secrets: SECRETS },
  );
  expect(output).toContain("warning: not warmed (the Worker answered 403)");
  expect(status).toBe(0);
});

test("the deploy script does not follow a redirect of the warm-up, so that no other host gets the token", async () => {
  const asked: (string | undefined)[] = [];
  const { status, output } = await deployTo(
    (request, response) => {
      asked.push(request.url);
      response.writeHead(307, { Location: "/elsewhere" }).end();
    },
    { secretList: NOT_FOUND, secrets: SECRETS },
  );
  expect(asked).toEqual(["/admin/warm"]);
  expect(output).toContain("warning: not warmed");
  expect(status).toBe(0);
});

test("the deploy script says what it needs to warm a Worker whose address it does not know", () => {
  const { output, status } = deploy({ secretList: NOT_FOUND, secrets: SECRETS });
  expect(output).toContain("not warmed (set STRATA_URL to an address of the Worker)");
  expect(status).toBe(0);
});

test.each([
  [undefined, ["cache.example.com/*"], false, "https://cache.example.com/admin/warm"],
  [
    undefined,
    ["*.example.com/*", "https://a.example.com/x"],
    false,
    "https://a.example.com/admin/warm",
  ],
  ["https://b.example.com/", ["a.example.com"], true, "https://b.example.com/__strata/admin/warm"],
  [undefined, ["*/*"], false, undefined],
])(
  "with the address %s, the routes %j and the proxy at the root (%s), the deploy script warms at %s",
  (given, routes, atRoot, url) => {
    expect(warmUrl(given, routes, atRoot)).toBe(url);
  },
);
