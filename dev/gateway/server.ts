import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Counts } from "./counts.ts";
import { resetCounts } from "./counts.ts";
import type { Access, Faults, FaultPlan, FaultTarget } from "./faults.ts";
import { parseFault } from "./faults.ts";
import type { Answer } from "./http.ts";
import type { Running } from "./running.ts";
import { createRunning } from "./running.ts";
import { BodyTooLarge, json, problem, readBody, send } from "./http.ts";

/** A well-formed request of a gateway that has not been executed yet. */
export interface Call {
  readonly access: Access;
  /**
   * Executes the call. A stream writes to the response itself; any other call returns a complete
   * answer. The server applies the plan; a gateway reads from it only what concerns single commands.
   */
  execute(response: ServerResponse, plan?: FaultPlan): Promise<Answer | "streaming">;
}

export interface GatewayRequest {
  readonly method: string;
  /** Path below the gateway's prefix, still percent-encoded: "" or a path that begins with "/". */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** One emulated service. To add a service, add a gateway to the list in `services.ts`. */
export interface Gateway {
  /** First path segment, and the name in `/faults/<name>`. */
  readonly name: FaultTarget;
  /**
   * Checks and parses a request, once. A returned answer is an error response, to which no fault
   * applies.
   */
  prepare(request: GatewayRequest): Call | Answer;
  /** Formats an error as the service does, for invalid requests and for injected faults. */
  failure(status: number, message: string): Answer;
}

export interface GatewayServerOptions {
  readonly port: number;
  readonly gateways: readonly Gateway[];
  readonly counts: Counts;
  readonly faults: Faults;
}

export interface GatewayServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the gateways and their control routes on 127.0.0.1. Rejects with the system's error
 * (`EADDRINUSE`) if the port is in use.
 */
export async function startGatewayServer(options: GatewayServerOptions): Promise<GatewayServer> {
  const running = createRunning();
  const server = createServer((request, response) => {
    handle(options, running, request, response).catch((error: unknown) => {
      send(
        response,
        problem(500, "Gateway error", error instanceof Error ? error.message : String(error)),
      );
    });
  });
  // Workers keep connections open. Node's default of 5 s would close them during a request.
  server.keepAliveTimeout = 300_000;
  await listen(server, options.port);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      options.faults.clear();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function handle(
  options: GatewayServerOptions,
  running: Running,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const target = request.url ?? "/";
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const [, first = ""] = path.split("/", 2);
  const gateway = options.gateways.find((candidate) => candidate.name === first);
  let body: Buffer;
  try {
    body = await readBody(request);
  } catch (error) {
    if (!(error instanceof BodyTooLarge)) return;
    response.shouldKeepAlive = false;
    send(
      response,
      gateway?.failure(413, error.message) ?? problem(413, "Body too large", error.message),
    );
    return;
  }
  if (!gateway) {
    send(response, control(options, running, request.method ?? "GET", path, body));
    return;
  }
  const prepared = gateway.prepare({
    method: request.method ?? "GET",
    path: path.slice(first.length + 1),
    query: new URLSearchParams(mark < 0 ? "" : target.slice(mark)),
    headers: request.headers,
    body,
  });
  if (!("execute" in prepared)) {
    send(response, prepared);
    return;
  }
  options.counts[gateway.name].requests += 1;
  running.begin(gateway.name, response);
  await run(gateway, prepared, options.faults.plan(gateway.name, prepared.access), response);
}

/** Executes a call and applies its fault plan. */
async function run(
  gateway: Gateway,
  call: Call,
  plan: FaultPlan | undefined,
  response: ServerResponse,
): Promise<void> {
  if (plan?.errorStatus !== undefined) {
    send(response, gateway.failure(plan.errorStatus, "Injected fault"));
    return;
  }
  if (plan?.hang === "before") {
    await plan.released;
    if (response.destroyed) return;
  }
  const leave = await plan?.enter();
  try {
    // The client of a call that waited in line may have gone.
    if (!response.destroyed) await answerCall(call, plan, response);
  } finally {
    leave?.();
  }
}

async function answerCall(
  call: Call,
  plan: FaultPlan | undefined,
  response: ServerResponse,
): Promise<void> {
  const answer = await call.execute(response, plan);
  if (answer === "streaming") return;
  if (plan) {
    if (plan.hang === "after") await plan.released;
    if (plan.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, plan.delayMs));
    if (plan.reset) {
      response.socket?.resetAndDestroy();
      return;
    }
    if (plan.truncate) {
      truncate(response, answer);
      return;
    }
  }
  send(response, answer);
}

/** Announces the length of the whole body, sends half of it, and cuts the connection. */
function truncate(response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, { ...answer.headers, "content-length": body.length });
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
}

/** Answers `/counts`, `/running` and `/faults`, the routes that observe and control the gateways. */
function control(
  { counts, faults, gateways }: GatewayServerOptions,
  running: Running,
  method: string,
  path: string,
  body: Buffer,
): Answer {
  const route = `${method} ${path}`;
  if (route === "GET /counts") return json(200, counts);
  if (route === "POST /counts/reset") {
    resetCounts(counts);
    running.reset();
    return json(200, counts);
  }
  if (route === "GET /running") return json(200, running.report());
  if (route === "GET /faults") return json(200, faults.list());
  if (route === "DELETE /faults") {
    faults.clear();
    return json(200, faults.list());
  }
  if (method === "PUT" && path.startsWith("/faults/")) {
    const name = path.slice("/faults/".length);
    const gateway = gateways.find((candidate) => candidate.name === name);
    if (!gateway) {
      const known = gateways.map((candidate) => candidate.name).join(", ");
      return problem(
        404,
        "Unknown service",
        `There is no service "${name}"; faults can be set for: ${known}`,
      );
    }
    const parsed = parseFault(body.toString());
    if ("error" in parsed) return problem(400, "Invalid fault", parsed.error);
    if (parsed.fault.refuseWrites !== undefined && name !== "redis")
      return problem(400, "Invalid fault", "refuseWrites: only Redis has this fault");
    if (parsed.fault.chunkDelayMs !== undefined && name !== "llm")
      return problem(400, "Invalid fault", "chunkDelayMs: only the model has this fault");
    faults.put(gateway.name, parsed.fault);
    return json(200, faults.list());
  }
  return problem(404, "Not found", `${route} is not a route of the local services`);
}
