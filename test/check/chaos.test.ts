/** The parts of `npm run chaos` that judge: each is shown what it should catch. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { endForked } from "../../dev/forked-process.ts";
import { drive } from "../chaos/drive.ts";
import { secondsUntilGood, serverTiming } from "../chaos/figures.ts";
import { readOptions } from "../chaos/options.ts";
import { hasPassed, rowsOf, type Outcome } from "../chaos/report.ts";
import { copySecondVersion } from "../chaos/second-version.ts";
import { createShop } from "../chaos/shop.ts";
import { runAll, runAndRestore } from "../chaos/steps.ts";
import { createVersions } from "../chaos/versions.ts";
import { visit, type Visit } from "../chaos/visit.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("the driver of npm run chaos", () => {
  it("clients of a drive come by their schedule while a server answers none of them", async () => {
    const held: ServerResponse[] = [];
    const url = await serve((_request, response) => {
      held.push(response);
    });
    const { visits } = await drive({
      forMs: 300,
      streams: [{ name: "all", perSecond: 100, errand: () => ({ url, path: "/" }) }],
      happenings: [
        {
          atMs: 400,
          async act() {
            for (const response of held) response.end();
          },
        },
      ],
    });
    expect(held.length).toBe(visits.length);
    expect(visits.length).toBeGreaterThan(10);
    // The first answers came after the last client.
    expect(visits.every(({ dueMs, ms }) => dueMs + ms >= 399)).toBe(true);
  });

  it("a happening that fails ends its drive with its error, after the last client has come", async () => {
    let asked = 0;
    const url = await serve((_request, response) => {
      asked += 1;
      response.end();
    });
    const driving = drive({
      forMs: 300,
      streams: [{ name: "all", perSecond: 100, errand: () => ({ url, path: "/" }) }],
      happenings: [{ atMs: 0, act: () => Promise.reject(new Error("no such fault")) }],
    });
    await expect(driving).rejects.toThrow("no such fault");
    expect(asked).toBeGreaterThan(10);
  });

  it.each([
    ["a fresh answer", { status: 200, headers: { "x-cache-status": "HIT" } }, "fresh"],
    ["a stale answer", { status: 200, headers: { "x-cache-status": "STALE" } }, "stale"],
    [
      "an answer marked `unreachable`",
      { status: 200, headers: { "cache-status": "strata; hit; unreachable" } },
      "marked",
    ],
    [
      "an answer marked `stale-on-error`",
      { status: 200, headers: { "cache-status": "strata; hit; ttl=-1; detail=stale-on-error" } },
      "marked",
    ],
    ["a 503 with Retry-After", { status: 503, headers: { "retry-after": "1" } }, "shed"],
    ["a 503 without Retry-After", { status: 503, headers: {} }, "error"],
    ["a 500", { status: 500, headers: {} }, "error"],
  ])("a visit that gets %s counts as such", async (_name, { status, headers }, outcome) => {
    const url = await serve((_request, response) => {
      response.writeHead(status, headers).end("{}");
    });
    expect(await visit({ url, path: "/" }, {})).toMatchObject({ outcome, requests: 1 });
  });

  it("a visit that gets the wrong product, half a body or no answer counts as an error", async () => {
    const url = await serve((request, response) => {
      if (request.url === "/products/2") {
        response.writeHead(200, { "content-length": "20" });
        response.write("half", () => response.destroy());
      } else if (request.url === "/products/3") response.destroy();
      else response.end('{"id":9}');
    });
    const shop = createShop([url], "token");
    for (const id of [1, 2, 3])
      expect((await visit(shop.product(0, id), {})).outcome).toBe("error");
    expect((await visit(shop.product(0, 9), {})).outcome).toBe("fresh");
  });

  it("a client that retries sends three more requests after errors, and stops after the first good answer", async () => {
    let requests = 0;
    const url = await serve((_request, response) => {
      requests += 1;
      response.writeHead(requests === 3 ? 200 : 500).end();
    });
    expect(await visit({ url, path: "/" }, { retries: 3 })).toMatchObject({
      outcome: "fresh",
      requests: 3,
    });
    expect(await visit({ url, path: "/" }, { retries: 3 })).toMatchObject({
      outcome: "error",
      requests: 4,
    });
  });

  it("a client that leaves closes its connection, and its visit counts as left", async () => {
    const closed = Promise.withResolvers<void>();
    const url = await serve((_request, response) => {
      response.once("close", () => closed.resolve());
    });
    const { outcome } = await visit({ url, path: "/" }, { leavesAfterMs: 30 });
    expect(outcome).toBe("left");
    await closed.promise;
  });

  it("a slow reader gets the whole body", async () => {
    const body = "x".repeat(5_000);
    const url = await serve((_request, response) => response.end(body));
    let read = "";
    const errand = {
      url,
      path: "/",
      onAnswer: (answer: { readonly body: string }) => void (read = answer.body),
    };
    expect((await visit(errand, { bytesPerSecond: 20_000 })).outcome).toBe("fresh");
    expect(read).toBe(body);
  });
});

describe("the judges of npm run chaos", () => {
  it("the stale checker reports an old answer without a mark, and not an old answer with a mark", async () => {
    let stock = 1;
    let mark = "";
    const url = await serve((request, response) => {
      request.resume();
      if (request.method === "PATCH") {
        response.end("{}");
        return;
      }
      response.setHeader("cache-status", `strata; hit${mark}`);
      response.end(JSON.stringify({ id: 7, stock }));
    });
    const versions = createVersions(createShop([url], "token"), [7]);
    await visit(versions.write(0, 0), {});
    mark = "; unreachable";
    await visit(versions.read(0, 7), {});
    expect(versions.verdict(-1).violations).toEqual([]);
    mark = "";
    await visit(versions.read(0, 7), {});
    expect(versions.verdict(-1).violations).toHaveLength(1);
    expect(versions.verdict(60_000).violations).toEqual([]);
    stock = versions.acknowledged[0]!.number;
    await visit(versions.read(0, 7), {});
    expect(versions.verdict(-1).violations).toHaveLength(1);
  });

  it("reads have recovered at the first of three seconds in a row in which 95 % are good", () => {
    const visits = Array.from({ length: 200 }, (_, n): Visit => {
      const second = Math.floor(n / 20);
      const bad = second < 2 || second === 3;
      return {
        stream: "all",
        dueMs: n * 50,
        lateMs: 0,
        ms: 1,
        outcome: bad ? "error" : "fresh",
        requests: 1,
        status: 200,
        headers: {},
      };
    });
    expect(secondsUntilGood(visits, 0)).toBe(4);
    expect(secondsUntilGood(visits, 5_000)).toBe(0);
    expect(secondsUntilGood(visits.slice(0, 80), 0)).toBe(Infinity);
  });

  it("a trial fails if a figure misses its goal, if a figure is missing, or if the driver was late", () => {
    const calm = {
      idlePercent: 50,
      loopP99Ms: 1,
      lateP99Ms: 1,
      lateMaxMs: 2,
      offered: 100,
      capacity: 1_000,
    };
    const outcome = (value: number, headroom = calm): Outcome => ({
      trial: "planted",
      figures: [{ name: "p99", value, unit: "ms", goal: { most: 50 } }],
      headroom: [headroom],
    });
    expect(hasPassed(outcome(50))).toBe(true);
    expect(hasPassed(outcome(51))).toBe(false);
    expect(hasPassed(outcome(Number.NaN))).toBe(false);
    expect(hasPassed(outcome(50, { ...calm, lateP99Ms: 100 }))).toBe(false);
    expect(hasPassed(outcome(50, { ...calm, capacity: 120 }))).toBe(false);
    expect(hasPassed({ ...outcome(50), error: "it ended" })).toBe(false);
    expect(rowsOf(outcome(51))).toEqual(["| planted | p99 | 51 ms | ≤ 50 ms | **no** |"]);
    expect(rowsOf(outcome(50, { ...calm, lateP99Ms: 100 }))[0]).toContain("| void |");
  });

  it("the durations of Server-Timing are read with and without a description", () => {
    const field = 'redis;dur=12.5;desc="timeout", origin;dur=3, total;dur=16';
    expect([...serverTiming(field)]).toEqual([
      ["redis", 12.5],
      ["origin", 3],
      ["total", 16],
    ]);
  });

  it("every trial of the short form of npm run chaos is a file in test/chaos/trials", () => {
    const files = globSync("test/chaos/trials/*.ts");
    const { names } = readOptions(["--short"], {});
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) expect(files).toContain(`test/chaos/trials/${name}.ts`);
    expect(() => readOptions(["--factor", "none"], {})).toThrow("--factor");
  });

  it("the edits of the second version in rolling-restart fit the sources", () => {
    const folder = mkdtempSync(join(tmpdir(), "strata-version-"));
    closing.push(() => rmSync(folder, { recursive: true, force: true }));
    expect(copySecondVersion(process.cwd(), folder)).toBe(folder);
  });
});

describe("the ends of npm run chaos", () => {
  it("all steps of an end run although some fail, and the first error is thrown", async () => {
    const ran: number[] = [];
    const step = (n: number, fails: boolean) => async () => {
      ran.push(n);
      if (fails) throw new Error(`step ${n} failed`);
    };
    await expect(runAll([step(1, false), step(2, true), step(3, false)])).rejects.toThrow("step 2");
    expect(ran).toEqual([1, 2, 3]);
  });

  it("the error of a trial goes before the error of the steps that restore", async () => {
    const fail = (message: string) => () => Promise.reject(new Error(message));
    await expect(runAndRestore(fail("trial"), [])).rejects.toThrow("trial");
    await expect(runAndRestore(async () => 7, [fail("restore")])).rejects.toThrow("restore");
    expect(await runAndRestore(async () => 7, [async () => 8])).toBe(7);
    let restored = false;
    const restore = async () => void (restored = true);
    await expect(runAndRestore(fail("trial"), [restore])).rejects.toThrow("trial");
    expect(restored).toBe(true);
  });

  it("a process that does not end when it is disconnected is killed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "strata-stubborn-"));
    closing.push(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "stubborn.mjs");
    writeFileSync(file, 'setInterval(() => {}, 1_000); process.send("ready");');
    const child = fork(file, { detached: true });
    const ended = once(child, "exit");
    await once(child, "message");
    await endForked(child, ended, 100);
    expect(child.signalCode).toBe("SIGKILL");
  });
});
