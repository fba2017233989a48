/**
 * Finds the tests in workerd whose outcome can depend on the engine of Redis or Postgres.
 *
 * Few sources speak to these servers: those that import a client of one, and those with a script of Redis. All
 * others call a port, and one shared suite holds every implementation of a port to the same contract.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path/posix";
import { inAnyImport } from "./test-files.ts";

const SERVER_CLIENT =
  /^(?:import|export) (?!type\b)[^;"]*\bfrom "(?:@upstash\/|@neondatabase\/|drizzle-orm\b)/m;
const REDIS_SCRIPT = /\bredis\.call\(/;
const COMMENT_LINES = /^\s*(?:\*|\/\/).*$/gm;

/** A file that reads the address of a server, sends a command to Redis, or asks which engine Redis is. */
const ADDRESSES_SERVER =
  /\benv\.(?:UPSTASH_REDIS_REST_URL|DATABASE_URL)\b|\bredisCommand[<(]|\binject\("realRedis"\)/;
/** Of its functions only `redisCommand` reaches a server. The others count and fail requests in front of it. */
const GATEWAY = "test/support/gateway.ts";

/** The statements of the product are run by the tests that import its tables, and by those of `e2e`. */
const PRODUCT = "api";

/** The paths of the sources that speak to a server. */
function serverSources(root: string): ReadonlySet<string> {
  const paths = globSync("src/**/*.ts", { cwd: root });
  return new Set(
    paths.filter((path) => {
      const code = readFileSync(join(root, path), "utf8").replaceAll(COMMENT_LINES, "");
      return SERVER_CLIENT.test(code) || REDIS_SCRIPT.test(code);
    }),
  );
}

/**
 * The tests that address a server or import a source that speaks to one, themselves or through another file of
 * `test`; and all tests of a room of the layer with such a source.
 */
export function serverTests(root = "."): string[] {
  const sources = serverSources(root);
  const rooms = new Set([...sources].map(roomOf).filter((room) => room !== PRODUCT));
  const dependsOnServer = inAnyImport(
    root,
    ({ path, text, imports }) =>
      (path !== GATEWAY && ADDRESSES_SERVER.test(text)) ||
      imports.some((name) => sources.has(name)),
  );
  return globSync("test/**/*.test.ts", { cwd: root, exclude: ["test/apps/**"] })
    .filter((path) => rooms.has(roomOf(path)) || dependsOnServer(path))
    .toSorted();
}

/** The second part of a path: `redis` of src/redis/store.ts and of test/redis/log.test.ts. */
function roomOf(path: string): string {
  return path.split("/")[1] ?? "";
}
