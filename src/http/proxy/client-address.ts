/**
 * The address of the client. Of an IPv6 address it is the first 64 bits, because one client usually
 * has all addresses with the same ones (RFC 6177). Empty if the platform names none.
 */
export function clientAddressOf({ headers }: Request): string {
  const address = headers.get("CF-Connecting-IP") ?? "";
  if (!address.includes(":")) return address;
  const groups = address.split(":").slice(0, 4);
  const end = groups.indexOf("");
  return (end < 0 ? groups : groups.slice(0, end)).join(":");
}
