/** Parses multipart/byteranges (RFC 2046, section 5.1.1; RFC 9110, section 14.6). Shares no code with src. */

export interface Subpart {
  readonly headers: Headers;
  /** The positions in Content-Range. */
  readonly first: number;
  readonly last: number;
  readonly total: number;
  readonly body: Uint8Array;
}

/** @throws if the body is malformed, or a part has another length than its Content-Range says */
export function parseByteranges(contentType: string | null, body: Uint8Array): Subpart[] {
  const boundary = /^multipart\/byteranges; ?boundary="?([\w'()+,\-./:=?]{1,70})"?$/.exec(
    contentType ?? "",
  )?.[1];
  if (boundary === undefined) throw new Error(`no boundary in ${contentType}`);
  // One character a byte, so that positions in the text are positions in the body.
  const text = Array.from(body, (byte) => String.fromCharCode(byte)).join("");
  const delimiter = `\r\n--${boundary}`;
  const [preamble, ...sections] = `\r\n${text}`.split(delimiter);
  if (preamble !== "") throw new Error("something stands before the first part");
  if (sections.pop() !== "--\r\n") throw new Error("no close delimiter at the end");
  return sections.map((section) => {
    const end = section.indexOf("\r\n\r\n");
    if (!section.startsWith("\r\n") || end < 0) throw new Error("a part without a header section");
    const headers = new Headers();
    for (const line of section.slice(2, end).split("\r\n")) {
      const colon = line.indexOf(":");
      headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get("Content-Range") ?? "");
    if (range === null) throw new Error("a part without a Content-Range");
    const [first, last, total] = [Number(range[1]), Number(range[2]), Number(range[3])];
    const bytes = Uint8Array.from(section.slice(end + 4), (char) => char.charCodeAt(0));
    if (bytes.byteLength !== last - first + 1) throw new Error("a part of another length");
    return { headers, first, last, total, body: bytes };
  });
}

/** The parts of a text body, such as `0-1/10 01`. */
export function textsOf(contentType: string | null, body: string): string[] {
  return parseByteranges(contentType, new TextEncoder().encode(body)).map(
    (part) => `${part.first}-${part.last}/${part.total} ${new TextDecoder().decode(part.body)}`,
  );
}
