/** GraphQL Yoga behind the proxy. Its results depend on Authorization, and all say that they are fresh for a minute. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startApplication, visitAtOnce, visitInTurn } from "./support/application.ts";
import type { Application } from "./support/application.ts";
import { faultsIn } from "./support/compare.ts";
import type { Visitor } from "./support/visitor.ts";

let app: Application;
beforeAll(async () => {
  app = await startApplication({ command: ["graphql/server.js"] });
});
afterAll(() => app.stop());

const at = (query: string): string => `/graphql?query=${encodeURIComponent(query)}`;

async function visit({ name, ask }: Visitor): Promise<void> {
  const stranger = { Accept: "application/json" };
  const user = { ...stranger, Authorization: `Bearer token-of-${name}` };
  for (const headers of [stranger, user, stranger, user]) {
    await ask(at("{ me }"), { headers });
    await ask(at("{ me products }"), { headers: { ...headers, "Accept-Encoding": "identity" } });
    await ask(at("{ nothing }"), { headers });
    await ask(at('mutation { rename(to: "x") }'), { headers });
    const json = { ...headers, "Content-Type": "application/json" };
    for (const query of ["{ me }", `mutation { rename(to: "${name} the Great") }`, "{"])
      await ask("/graphql", { method: "POST", headers: json, body: JSON.stringify({ query }) });
    const events = { ...headers, Accept: "text/event-stream" };
    await ask(at("subscription { countdown(from: 3) }"), { headers: events });
  }
  await ask("/graphql", { headers: { Accept: "text/html" } });
  const origin = { Origin: "http://app.example", "Access-Control-Request-Method": "POST" };
  await ask("/graphql", { method: "OPTIONS", headers: origin });
  await ask("/graphql", { headers: { ...user, Origin: "http://app.example" } });
  await ask("/missing");
}

describe("GraphQL Yoga behind the proxy", () => {
  it("responses of GraphQL Yoga through the proxy equal direct responses when visitors come one after the other", async () => {
    expect(faultsIn(await visitInTurn(app, visit))).toEqual([]);
  });

  it("responses of GraphQL Yoga through the proxy equal direct responses when visitors come concurrently", async () => {
    expect(faultsIn(await visitAtOnce(app, visit))).toEqual([]);
  });
});
