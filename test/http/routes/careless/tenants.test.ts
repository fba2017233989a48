import { describe, expect, it } from "vitest";
import { cached, definePolicy, key, keysOf } from "../../../../src/index.ts";
import { uniqueNamespace } from "../../../support/isolate.ts";
import { ADA, BOB, createCarelessApp, type CarelessRoutes } from "./careless-app.ts";

const HOUR = { freshFor: "1h" } as const;
const carts = definePolicy(HOUR);

/** The tenant of the running request, as applications keep it in an AsyncLocalStorage of their own. */
let current = "";

const rememberTenant: CarelessRoutes = (app) =>
  app.use(async (c, next) => {
    current = c.get("tenant");
    await next();
  });

describe("a cached route whose handler reads a tenant's key", () => {
  it.each<[string, CarelessRoutes]>([
    [
      "read",
      (app) =>
        app.get("/cart", cached(HOUR), async (c) => {
          const owner = current;
          const cart = keysOf({ tenant: owner })("cart", 1);
          const { value } = await c.var.strata.cache.read(cart, carts, async () => owner);
          return c.text(`cart of ${value}`);
        }),
    ],
    [
      "readMany",
      (app) =>
        app.get("/cart", cached(HOUR), async (c) => {
          const owner = current;
          const cart = keysOf({ tenant: owner })("cart", 1);
          const found = await c.var.strata.cache.readMany(
            [cart],
            carts,
            async () => new Map([[cart, owner]]),
          );
          return c.text(`cart of ${found.get(cart)?.value}`);
        }),
    ],
    [
      "a read inside the load of another value",
      (app) =>
        app.get("/cart", cached(HOUR), async (c) => {
          const owner = current;
          const total = await c.var.strata.cache.read(
            key("total", owner),
            carts,
            async (load) =>
              (await load.read(keysOf({ tenant: owner })("cart", 1), carts, async () => owner))
                .value,
          );
          return c.text(`cart of ${total.value}`);
        }),
    ],
  ])(
    "a cached route does not serve one tenant's cart to another tenant if the handler reads the cart by %s",
    async (_, routes) => {
      const { get } = createCarelessApp((app) => {
        rememberTenant(app);
        routes(app);
      });
      // The first reads of a user load, the later ones are hits.
      for (const [client, body] of [
        [ADA, "cart of ada"],
        [BOB, "cart of bob"],
        [ADA, "cart of ada"],
        [BOB, "cart of bob"],
      ] as const) {
        const answer = await get("/cart", client);
        expect(answer.body).toBe(body);
        expect(answer.headers.get("Cache-Status")).toContain("detail=unkeyed-tenant");
        expect(answer.headers.get("Cache-Control")).toBe("private, no-store");
      }
    },
  );

  it("a page made from one tenant's cart in Redis is not served to another tenant in another isolate", async () => {
    const namespace = uniqueNamespace();
    const routes: CarelessRoutes = (app) => {
      rememberTenant(app);
      app.get("/cart", cached(HOUR), async (c) => {
        const owner = current;
        const total = await c.var.strata.cache.read(key("total", owner), carts, async (load) => {
          const cart = keysOf({ tenant: owner })("cart", 1);
          return (await load.read(cart, carts, async () => owner)).value;
        });
        return c.text(`cart of ${total.value}`);
      });
    };
    const [one, two] = [createCarelessApp(routes, namespace), createCarelessApp(routes, namespace)];
    await one.get("/cart", ADA);
    await two.get("/cart", ADA);
    expect((await two.get("/cart", BOB)).body).toBe("cart of bob");
  });

  it("a page with a tenant's cart is not served to another tenant who requests the same path, although the path names the first tenant", async () => {
    const { get } = createCarelessApp((app) => {
      rememberTenant(app);
      app.get("/cart/*", cached(HOUR), async (c) => {
        const owner = current;
        const cart = keysOf({ tenant: owner })("cart", 1);
        const { value } = await c.var.strata.cache.read(cart, carts, async () => owner);
        return c.text(`cart of ${value}`);
      });
    });
    await get("/cart/ada", ADA);
    expect((await get("/cart/ada", BOB)).body).toBe("cart of bob");
  });

  it("a cached route whose key function uses keysOf() serves a tenant's page only to clients of that tenant", async () => {
    let calls = 0;
    const { get } = createCarelessApp((app) =>
      app.get(
        "/cart",
        cached({
          ...HOUR,
          key: (c) =>
            keysOf({ tenant: (c.var as unknown as { tenant: string }).tenant })("cart-page", 1),
        }),
        async (c) => {
          const owner = c.get("tenant");
          const cart = keysOf({ tenant: owner })("cart", 1);
          const { value } = await c.var.strata.cache.read(cart, carts, async () => owner);
          return c.text(`${++calls} cart of ${value}`);
        },
      ),
    );
    const bodies = [];
    for (const client of [ADA, BOB, ADA, BOB]) bodies.push((await get("/cart", client)).body);
    expect(bodies).toEqual(["1 cart of ada", "2 cart of bob", "1 cart of ada", "2 cart of bob"]);
  });

  it("a cached route whose key names the variable `tenant` serves a tenant's page only to clients of that tenant", async () => {
    let calls = 0;
    const { get } = createCarelessApp((app) =>
      app.get("/cart", cached({ ...HOUR, key: { variables: ["tenant"] } }), async (c) => {
        const owner = c.get("tenant");
        const cart = keysOf({ tenant: owner })("cart", 1);
        const { value } = await c.var.strata.cache.read(cart, carts, async () => owner);
        return c.text(`${++calls} cart of ${value}`);
      }),
    );
    const bodies = [];
    for (const client of [ADA, BOB, ADA]) bodies.push((await get("/cart", client)).body);
    expect(bodies).toEqual(["1 cart of ada", "2 cart of bob", "1 cart of ada"]);
  });

  it("clients of two tenants share a stored response of a cached route with `sharesTenants: true`, although its handler reads tenants' data", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/offers", cached({ ...HOUR, sharesTenants: true }), async (c) => {
        const offers = ["ada", "bob"].map((tenant) => keysOf({ tenant })("offer", 1));
        const found = await c.var.strata.cache.readMany(
          offers,
          carts,
          async (missing) => new Map(missing.map((each) => [each, each])),
        );
        return c.json([...found.keys()]);
      }),
    );
    expect((await get("/offers", ADA)).body).toBe('["offer:@ada:1","offer:@bob:1"]');
    expect((await get("/offers", BOB)).headers.get("X-Cache-Status")).toBe("HIT");
  });
});
