/** The warm-up after a deployment. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { warmUrl } from "../../../tools/deploy/warm.ts";
import { run, type Outcome } from "./planted-worker.ts";

/** No server listens there, so that nothing outside this machine is asked. */
const NOWHERE = "http://127.0.0.1:1";
const NO_SQL = { NEON_ENDPOINT: `${NOWHERE}/sql` };
const SECRETS = `DATABASE_URL=postgres://u:p@ep.neon.tech/db
UPSTASH_REDIS_REST_URL=${NOWHERE}
UPSTASH_REDIS_REST_TOKEN=t
ADMIN_TOKEN=0123456789abcdef01234567
`;

/** Runs the deployment of a Worker that answers at `STRATA_URL` as `worker` does. */
async function deployTo(
  worker: (request: IncomingMessage, response: ServerResponse) => void,
  secrets: string,
): Promise<Outcome> {
  const server = createServer(worker).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    return await run("deploy.ts", { secrets, env: { ...NO_SQL, STRATA_URL: url } });
  } finally {
    server.close();
  }
}

test("the deploy script warms the deployed Worker with the token of the secrets file, and prints the totals", async () => {
  const seen: (string | undefined)[] = [];
  const { status, output } = await deployTo((request, response) => {
    void text(request).then((body) => {
      seen.push(request.method, request.url, request.headers.authorization, body);
      response.end('{"done":200,"total":200}\n{"finished":true,"loaded":200}\n');
    });
  }, SECRETS);
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
    SECRETS,
  );
  expect(output).toContain("warning: not warmed (the Worker answered 403)");
  expect(status).toBe(0);
});

test("the deploy script does not follow a redirect of the warm-up, so that no other host gets the token", async () => {
  const asked: (string | undefined)[] = [];
  const { status, output } = await deployTo((request, response) => {
    asked.push(request.url);
    response.writeHead(307, { Location: "/elsewhere" }).end();
  }, SECRETS);
  expect(asked).toEqual(["/admin/warm"]);
  expect(output).toContain("warning: not warmed");
  expect(status).toBe(0);
});

test("the deploy script says what it needs to warm a Worker whose address it does not know", async () => {
  const { output, status } = await run("deploy.ts", { secrets: SECRETS, env: NO_SQL });
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
