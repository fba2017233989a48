import { identityInField, PLATFORM_ADDRESS_HEADER } from "../../core/client-address.ts";
import type { FieldRules } from "./forwarded-fields.ts";

/**
 * The identity of the client's address, without a port; of an IPv6 address it is the /64, because
 * one client usually has all of its addresses (RFC 6177). The text of the field if it is no
 * address, and empty if the network in front sets none.
 */
export function clientAddressOf({ headers }: Request, { addressField }: FieldRules): string {
  const value = headers.get(addressField) ?? headers.get(PLATFORM_ADDRESS_HEADER) ?? "";
  return identityInField(value) ?? value;
}
