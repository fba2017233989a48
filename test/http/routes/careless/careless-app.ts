/** Applications as careless developers write them, called by several clients. */
import type { Hono } from "hono";
import { createTestApp, type TestApp } from "../../../support/app.ts";
import { uniqueNamespace } from "../../../support/isolate.ts";
import type { StrataEnv } from "../../../../src/index.ts";

/** The variables that the applications of these tests set. */
export interface CarelessEnv {
  Variables: StrataEnv["Variables"] & {
    user: string | undefined;
    account: { readonly id: string; readonly name: string } | undefined;
    tenant: string;
    db: { readonly name: string };
    flash: string | undefined;
  };
}

export type CarelessRoutes = (app: Hono<CarelessEnv>) => void;

/** Creates an application whose first middleware finds the user in the cookie `sid`, as sessions do. */
export function createCarelessApp(routes: CarelessRoutes, namespace = uniqueNamespace()): TestApp {
  return createTestApp(namespace, (strict) => {
    const app = strict as unknown as Hono<CarelessEnv>;
    app.use(async (c, next) => {
      const sid = /(?:^|; )sid=([^;]*)/.exec(c.req.header("Cookie") ?? "")?.[1];
      c.set("user", sid);
      c.set("account", sid === undefined ? undefined : { id: sid, name: `name of ${sid}` });
      c.set("tenant", sid ?? "nobody");
      c.set("db", { name: "main" });
      await next();
    });
    routes(app);
  });
}

export const ADA = { Cookie: "sid=ada" };
export const BOB = { Cookie: "sid=bob" };
