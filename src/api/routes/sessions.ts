import { Hono, type Context, type MiddlewareHandler } from "hono";
import type { ProblemOptions, Session, Sessions, StrataEnv } from "../../index.ts";
import type { Admin } from "../admin.ts";
import { ApiProblem, notFound } from "../errors.ts";
import { bodyOf, noQuery, parse } from "../inputs.ts";
import { userKind } from "../kinds.ts";
import { createLoginRecorder } from "../logins.ts";
import { findUsers, type User } from "../queries.ts";
import type { AppServices } from "../services.ts";
import { NewSession, SessionId } from "../session-inputs.ts";

/** A response about a session is for one client. */
const PRIVATE = { "Cache-Control": "private, no-store" };

/**
 * The sessions of the reference API.
 *
 * - `POST /sessions` signs a user in. It is open under `npm run dev`. Elsewhere it needs the admin token, or what
 *   the application's `verifySignIn` asks for.
 * - `GET` and `DELETE /sessions/current` are about the session of the request.
 * - `GET` and `DELETE /sessions`, and `DELETE /sessions/:id`, are about all sessions of its user.
 */
export function sessionRoutes(services: AppServices, admin: Admin): Hono<StrataEnv> {
  const { sessions, config, db, existence, verifySignIn } = services;
  const routes = new Hono<StrataEnv>();
  const isOpen = config.dev || verifySignIn !== undefined;
  const recordLogin = createLoginRecorder(services);

  routes.use(sameSite(sessions));

  routes.post("/", isOpen ? allowAll : admin.required, async (c) => {
    const { userId } = await bodyOf(c, NewSession);
    const { ctx } = c.var.strata;
    const user = String(userId);
    // The begin is noted before the check, so that a revocation during the check holds.
    const signIn = verifySignIn ? await sessions.beginSignIn(user, ctx) : user;
    if (verifySignIn && !(await verifySignIn(c, userId))) throw signInRefused();
    if (!(await exists(c, userId))) return notFound(`There is no user ${userId}.`);
    const session = await sessions.start(c, signIn);
    if (session === undefined) throw signInRefused();
    recordLogin(userId, ctx);
    return c.json(viewOf(session), 201, { ...PRIVATE, Location: "/sessions/current" });
  });

  routes.get("/current", async (c) => {
    noQuery(c);
    return c.json(viewOf(await required(c)), 200, PRIVATE);
  });

  routes.delete("/current", async (c) => {
    noQuery(c);
    if (!(await sessions.end(c))) throw noSession();
    return c.body(null, 204, PRIVATE);
  });

  routes.get("/", async (c) => {
    noQuery(c);
    const { id, user } = await required(c);
    const listed = await sessions.list(user, c.var.strata.ctx);
    const items = listed.map((one) => ({
      ...viewOf(one),
      lastUsedAt: instant(one.lastUsedAt),
      current: one.id === id,
    }));
    const { length } = items;
    return c.json({ items, page: 1, pageSize: length, total: length }, 200, PRIVATE);
  });

  routes.delete("/", async (c) => {
    noQuery(c);
    const { id, user } = await required(c);
    const { ctx } = c.var.strata;
    await sessions.revokeAll(user, ctx);
    // Redis may have evicted the list of the user's sessions. The session of the request ends in any case.
    await sessions.revoke(user, id, ctx);
    sessions.clearCookie(c);
    return c.body(null, 204, PRIVATE);
  });

  routes.delete("/:id", async (c) => {
    noQuery(c);
    const named = parse(SessionId, c.req.param("id"), "id");
    const { id, user } = await required(c);
    if (!(await sessions.revoke(user, named, c.var.strata.ctx)))
      return notFound("This user has no such session.");
    if (named === id) sessions.clearCookie(c);
    return c.body(null, 204, PRIVATE);
  });

  /** @throws {ApiProblem} 401 if the request has no session */
  async function required(c: Context<StrataEnv>): Promise<Session> {
    const session = await sessions.current(c);
    if (session === undefined) throw noSession();
    return session;
  }

  /** Whether there is such a user, as `GET /users/:id` sees it. */
  async function exists(c: Context<StrataEnv>, id: number): Promise<boolean> {
    const strata = c.get("strata");
    if (!(await userKind.mayExist(id, existence, strata))) return false;
    const { keyOf, policy, tagOf } = userKind;
    const { value } = await strata.cache.read<User>(keyOf(id), policy, async (load) => {
      load.tag(tagOf(id));
      return (await findUsers(db, [id]))[0];
    });
    return value !== undefined;
  }

  return routes;
}

const allowAll: MiddlewareHandler<StrataEnv> = (_c, next) => next();

/** Refuses a sign-in, a sign-out or a revocation that a page of another site may have sent. */
function sameSite(sessions: Sessions<StrataEnv>): MiddlewareHandler<StrataEnv> {
  return async (c, next) => {
    if (sessions.isCrossSite(c))
      throw new ApiProblem({
        status: 403,
        type: "cross-site-request",
        title: "Forbidden",
        detail: "A page of another site may not change sessions.",
      });
    await next();
  };
}

const instant = (ms: number): string => new Date(ms).toISOString();

function viewOf({ id, user, createdAt, endsAt }: Session) {
  return { id, userId: Number(user), createdAt: instant(createdAt), expiresAt: instant(endsAt) };
}

function noSession(): ApiProblem {
  return unauthorized({
    type: "unauthorized",
    title: "Unauthorized",
    detail: "There is no session, or it has ended. Sign in.",
  });
}

function signInRefused(): ApiProblem {
  return unauthorized({
    type: "sign-in-refused",
    title: "Unauthorized",
    detail: "The credentials do not suffice to sign in as this user.",
  });
}

function unauthorized(options: Pick<ProblemOptions, "type" | "title" | "detail">): ApiProblem {
  return new ApiProblem({
    status: 401,
    ...options,
    headers: { "WWW-Authenticate": 'Session realm="strata"' },
  });
}
