/** The grammar that header fields share: tokens, quoted strings and lists (RFC 9110, 5.5 and 5.6). */

/** Stored header fields, in order; several lines of one name stay several. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** Reads a field's combined value. `Headers` is one. */
export interface FieldReader {
  get(name: string): string | null;
}

/** Members of a comma-separated list; commas inside quoted strings do not separate (RFC 9110, 5.6.1). */
export function splitList(value: string, separator = ","): string[] {
  const members: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < value.length; at++) {
    const char = value[at];
    if (quoted) {
      if (char === "\\") at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === separator) {
      pushTrimmed(members, value, start, at);
      start = at + 1;
    }
  }
  pushTrimmed(members, value, start, value.length);
  return members;
}

function pushTrimmed(members: string[], value: string, start: number, end: number): void {
  const member = trimSpace(value.slice(start, end));
  // Empty members are not members (RFC 9110, 5.6.1.2).
  if (member !== "") members.push(member);
}

/** Without spaces and tabs at either end; in one pass, whatever stands between. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether `text` is a token (RFC 9110, 5.6.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** What stands in a quoted string, or undefined if `text` is not exactly one (RFC 9110, 5.6.4). */
export function unquote(text: string): string | undefined {
  if (text.length < 2 || !text.startsWith('"')) return undefined;
  let inner = "";
  for (let at = 1; at < text.length; at++) {
    const char = text[at];
    if (char === '"') return at === text.length - 1 ? inner : undefined;
    if (char === "\\") at++;
    inner += text[at] ?? "";
  }
  return undefined;
}

/** Field names of a list, in lower case; what is no field name is left out. */
export function fieldNames(value: string): string[] {
  return splitList(value)
    .map((name) => name.toLowerCase())
    .filter(isToken);
}
