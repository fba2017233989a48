/** Counts logins, so that the warm-up knows the users who log in most. */
import { sql } from "drizzle-orm";
import * as z from "zod/mini";
import type { Context, Database, Effect, Strata } from "../index.ts";
import { users } from "./schema.ts";

const LOGIN = "login";

/** The content of a message of the kind `login`. `at` is the instant of the login. */
const Login = z.object({ userId: z.int(), at: z.int() });
type LoginPayload = z.infer<typeof Login>;

/**
 * Returns a function that counts a login after the response: by a message, or by an update of its own if
 * no queue is bound. A login that cannot be counted is lost, and the user does not notice.
 */
export function createLoginRecorder({
  db,
  jobs: { messages },
}: Pick<Strata, "db" | "jobs">): (userId: number, ctx: Context) => void {
  return (userId, ctx) => {
    const payload: LoginPayload = { userId, at: ctx.now() };
    const change = { id: `login:${messages.newId()}`, kind: LOGIN, payload };
    ctx.defer(messages.isBound ? messages.send(change, ctx) : countLogins(db, [payload]));
  };
}

/** Counts logins. No entry shows the count, so that no tag is invalidated. */
export function loginEffect({ db }: Pick<Strata, "db">): Effect {
  return {
    kind: LOGIN,
    statements: (messages) => {
      const logins = messages.map(({ payload }) => Login.parse(payload));
      return [countLogins(db, logins)];
    },
  };
}

/** The statement locks the users in the order of their ids, so that two consumers do not wait for each other. */
function countLogins(db: Database, logins: readonly LoginPayload[]) {
  const ids = sql.param(logins.map(({ userId }) => userId));
  const instants = sql.param(logins.map(({ at }) => new Date(at).toISOString()));
  return db.execute(sql`
    with seen as (
      select one.id, count(*)::integer as times, max(one.moment) as last
      from unnest(${ids}::integer[], ${instants}::timestamptz[]) as one (id, moment)
      group by one.id
    ), locked as materialized (
      select ${users.id} as id from ${users} where ${users.id} in (select seen.id from seen)
      order by 1 for update
    )
    update ${users}
    set login_count = ${users.loginCount} + seen.times,
        last_login_at = greatest(${users.lastLoginAt}, seen.last)
    from seen join locked on locked.id = seen.id
    where ${users.id} = seen.id`);
}
