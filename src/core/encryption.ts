import type { FlightPort } from "./flight-port.ts";
import type { SharedStore } from "./shared-store.ts";
import type { Tier } from "./tier.ts";

/** The tiers through which entries leave the isolate. */
export interface StoringPorts {
  readonly edge: Tier;
  readonly store: SharedStore;
}

/** The same tiers, and the change of a flight port, behind which entries are ciphertext. */
export interface EncryptedPorts extends StoringPorts {
  flightsOf(port: FlightPort): FlightPort;
}

/** The encryption of stored entries. `encryption()` of the entry `strata/encryption` makes one. */
export interface Encryption {
  /** Returns ports behind which the entries of a namespace are ciphertext. Memory keeps plain text. */
  open(namespace: string, ports: StoringPorts): EncryptedPorts;
}
