/** Client addresses as identities: one text for each client, whatever way it is written. */

/**
 * The identity of an address: an IPv4 address as it is, an IPv6 address by its /64,
 * since that is what one customer is given. Undefined if the text is no address.
 *
 * @see RFC 6177, RFC 4291
 */
export function addressIdentity(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed.includes(":")) return ipv6Identity(trimmed);
  return isIpv4(trimmed) ? trimmed : undefined;
}

/** Whether an identity is this machine itself. */
export function isLoopback(identity: string): boolean {
  return identity.startsWith("127.") || identity === LOOPBACK_64;
}

/** `::1` by its /64. */
const LOOPBACK_64 = "0:0:0:0::/64";

/** Leading zeros would be octal to some and decimal to others: they make it no address. */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Whether a text is an IPv4 address, which can be written in one way only. */
export function isIpv4(text: string): boolean {
  return IPV4.test(text);
}

function ipv6Identity(text: string): string | undefined {
  const groups = ipv6(text);
  if (groups === undefined) return undefined;
  const [, , , , , mapped] = groups;
  // An IPv4 client that reached us over an IPv6 socket: ::ffff:a.b.c.d
  if (mapped === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    const [high = 0, low = 0] = groups.slice(6);
    return [high >> 8, high & 255, low >> 8, low & 255].join(".");
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(":")}::/64`;
}

/** The eight groups of an IPv6 address. */
function ipv6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groupsOf);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const known = head.length + (tail?.length ?? 0);
  if (tail === undefined) return known === 8 ? head : undefined;
  if (known > 7) return undefined;
  return [...head, ...Array.from({ length: 8 - known }, () => 0), ...tail];
}

/** The groups of one side of `::`; an IPv4 address may be the last two. */
function groupsOf(text: string): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1 && isIpv4(part)) {
      const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number);
      groups.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}
