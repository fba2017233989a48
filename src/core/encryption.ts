import type { FlightPort } from "./flight-port.ts";
import type { SharedStore } from "./shared-store.ts";
import type { Tier } from "./tier.ts";

/** The ports through which entries leave the isolate. */
export interface EntryPorts {
  readonly edge: Tier;
  readonly store: SharedStore;
  readonly flights: FlightPort;
}

/** The encryption of stored entries. `encryption()` of the entry `strata/encryption` makes one. */
export interface Encryption {
  /** Returns the same ports, behind which the entries of a namespace are ciphertext. Memory keeps plain text. */
  open(namespace: string, ports: EntryPorts): EntryPorts;
}
