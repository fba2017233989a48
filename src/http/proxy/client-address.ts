import type { FieldRules } from "./forwarded-fields.ts";

/**
 * The address of the client. Of an IPv6 address it is the first 64 bits, because one client usually
 * has all addresses with the same ones (RFC 6177). Empty if the network in front names none.
 */
export function clientAddressOf({ headers }: Request, { addressField }: FieldRules): string {
  const value = headers.get(addressField) ?? "";
  // A network that appends to a list has appended the last element.
  const address = value.slice(value.lastIndexOf(",") + 1).trim();
  if (!address.includes(":")) return address;
  const groups = address.split(":").slice(0, 4);
  const end = groups.indexOf("");
  return (end < 0 ? groups : groups.slice(0, end)).join(":");
}
