import type { Entry } from "../../core/entry.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { acceptsCoding } from "../rfc/preferences.ts";

/** Whether the request accepts the coding of the stored body (RFC 9110, 12.5.3). */
export function hasAcceptedCoding(request: Request, { http }: Pick<Entry, "http">): boolean {
  const coding = http?.headers.find(([name]) => name === "content-encoding")?.[1];
  return (
    coding === undefined || acceptsCoding(acceptEncodingOf(request, request.headers), coding, true)
  );
}

/** The client's own Accept-Encoding. The platform rewrites the field and keeps the original in request.cf. */
export function acceptEncodingOf(request: Request, headers: FieldReader): string | null {
  const accepted = request.cf?.["clientAcceptEncoding"];
  if (typeof accepted !== "string") return headers.get("Accept-Encoding");
  return accepted === "" ? null : accepted;
}
