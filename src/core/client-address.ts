/** Turns client addresses into identities: one text for each client, however its address is written. */

/** Matches an IPv4 address. It refuses leading zeros, because some parsers read them as octal numbers. */
export const IPV4_PATTERN = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Matches an IPv4 address with a port. */
const IPV4_WITH_PORT = /^([\d.]+):\d{1,5}$/;
/** Matches an IPv6 address in brackets, with or without a port (RFC 3986, 3.2.2). */
const BRACKETED = /^\[([^\]]*)\](?::\d{1,5})?$/;

/** The field in which Cloudflare's network names the client. A client cannot set it there. */
export const PLATFORM_ADDRESS_HEADER = "CF-Connecting-IP";

/**
 * Returns the identity of an address: an IPv4 address as it is, an IPv6 address as its /64, since
 * one customer usually has a whole /64. A port is left out, because a client has many. Undefined if
 * the text is not an address.
 *
 * @see RFC 6177, RFC 4291
 */
export function addressIdentity(text: string): string | undefined {
  const trimmed = text.trim();
  const bracketed = BRACKETED.exec(trimmed)?.[1];
  if (bracketed !== undefined) return bracketed.includes(":") ? ipv6Identity(bracketed) : undefined;
  const host = IPV4_WITH_PORT.exec(trimmed)?.[1] ?? trimmed;
  if (host.includes(":")) return ipv6Identity(host);
  return IPV4_PATTERN.test(host) ? host : undefined;
}

/**
 * Returns the identity that a request field names. A proxy appends the address that it has seen, so
 * the last element of a list counts.
 */
export function identityInField(value: string): string | undefined {
  return addressIdentity(value.slice(value.lastIndexOf(",") + 1));
}

function ipv6Identity(text: string): string | undefined {
  const groups = parseIpv6(text);
  if (groups === undefined) return undefined;
  const [, , , , , mapped] = groups;
  // ::ffff:a.b.c.d is an IPv4 client that connected through an IPv6 socket (RFC 4291, 2.5.5.2).
  if (mapped === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    const [high = 0, low = 0] = groups.slice(6);
    return [high >> 8, high & 255, low >> 8, low & 255].join(".");
  }
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(":")}::/64`;
}

/** Returns the eight groups of an IPv6 address; undefined if the text is not one. */
function parseIpv6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(parseGroups);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const given = head.length + (tail?.length ?? 0);
  if (tail === undefined) return given === 8 ? head : undefined;
  if (given > 7) return undefined;
  return [...head, ...Array.from({ length: 8 - given }, () => 0), ...tail];
}

/** Returns the groups on one side of `::`. The last two groups may be written as an IPv4 address. */
function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1 && IPV4_PATTERN.test(part)) {
      const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number);
      groups.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}
