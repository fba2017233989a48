/**
 * A Worker without a cache: `/memory?bytes=1000` answers bytes that it holds, with the fields of FIELDS; any other
 * path is passed to ORIGIN_URL, and the body comes back as a stream.
 */

interface Env {
  readonly ORIGIN_URL: string;
  /** The fields of the answer from memory, as JSON: names and values. */
  readonly FIELDS: string;
}

const bodies = new Map<string, Uint8Array>();
let fields: Headers | undefined;

function bodyOf(bytes: string): Uint8Array {
  const known = bodies.get(bytes);
  if (known !== undefined) return known;
  const body = new Uint8Array(Number(bytes)).fill(120);
  bodies.set(bytes, body);
  return body;
}

export default {
  fetch({ url }, env) {
    const { pathname, search, searchParams } = new URL(url);
    if (pathname !== "/memory") return fetch(`${env.ORIGIN_URL}${pathname}${search}`);
    fields ??= new Headers(JSON.parse(env.FIELDS) as Record<string, string>);
    return new Response(bodyOf(searchParams.get("bytes") ?? "0"), { headers: fields });
  },
} satisfies ExportedHandler<Env>;
