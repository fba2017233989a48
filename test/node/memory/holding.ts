/** The part of a Worker that fills and holds. */

/** The path of a request on which the Worker lets go of what it holds. */
export const NOTHING = "/";

export interface Filled {
  /** The object that the Worker holds until the next request. */
  readonly held: unknown;
  readonly answer: unknown;
}

/** Makes the handler of a Worker. Each path names one of the functions. */
export function holding(fills: Readonly<Record<string, () => Filled | Promise<Filled>>>): {
  fetch(request: Request): Promise<Response>;
} {
  let held: unknown;
  return {
    async fetch({ url }) {
      held = undefined;
      const { pathname } = new URL(url);
      // V8 keeps the text of the last match.
      /x/.test("x");
      if (pathname === NOTHING) return Response.json(held === undefined);
      const fill = fills[decodeURI(pathname.slice(1))];
      if (fill === undefined) return new Response("there is no such fill", { status: 404 });
      const filled = await fill();
      ({ held } = filled);
      return Response.json(filled.answer);
    },
  };
}
