import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const DEPLOY = resolve(import.meta.dirname, "../../tools/deploy/deploy.ts");
const SECRETS = `DATABASE_URL=postgres://u:p@ep.neon.tech/db
UPSTASH_REDIS_REST_URL=https://x.upstash.io
UPSTASH_REDIS_REST_TOKEN=token
ADMIN_TOKEN=0123456789abcdef01234567
`;
const NOT_FOUND = 'echo "Worker \\"planted\\" not found." >&2; exit 1';

/**
 * Runs the deployment in its own folder, with a `wrangler` that answers `secret list` with the
 * given text.
 */
function deploy({ secretList, secrets = "", toml = "" }: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), "strata-deploy-"));
  try {
    writeFileSync(join(root, "wrangler.toml"), `name = "planted"\nmain = "w.ts"\n${toml}`);
    writeFileSync(join(root, "secrets.env"), secrets);
    writeFileSync(
      join(root, "wrangler"),
      `#!/bin/sh\nif [ "$1" = secret ]; then ${secretList}; else echo "ran wrangler $*"; fi\n`,
    );
    chmodSync(join(root, "wrangler"), 0o755);
    const args = secrets === "" ? [] : ["--secrets-file", "secrets.env"];
    const { status, stdout, stderr } = spawnSync(process.execPath, [DEPLOY, ...args], {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, PATH: `${root}:${process.env["PATH"]}` },
    });
    return { status, output: stdout + stderr };
  } finally {
    rmSync(root, { recursive: true, force: true });
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
  const { status, output } = deploy({ secretList, toml: 'route = "cache.example.com/*"\n' });
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
