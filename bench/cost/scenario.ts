import { NETWORK, type Network } from "./network.ts";

/** The assumptions of one run of the model of cost. All times are in milliseconds. */
export interface Scenario {
  readonly isolates: number;
  readonly dataCentres: number;
  readonly regions: number;
  readonly invalidationsPerSecond: number;
  /** The reads of one busy isolate. `Infinity`: there is always one. */
  readonly readsPerSecond: number;
  /** Whether reads come at random instants, as from many clients, or in equal intervals, as from one. */
  readonly reads: "random" | "regular";
  readonly coherenceMs: number;
  readonly replicaLagMs: number;
  readonly network: Network;
  readonly seed: number;
  readonly warmUpMs: number;
  readonly countedMs: number;
  /** The number of purges whose delay is observed. They are not billed. */
  readonly observedPurges: number;
}

export const SCENARIO: Scenario = {
  isolates: 2_000,
  dataCentres: 300,
  // The location hints of Durable Objects.
  regions: 9,
  invalidationsPerSecond: 0,
  readsPerSecond: 20,
  reads: "random",
  coherenceMs: 1_000,
  replicaLagMs: 0,
  network: NETWORK,
  seed: 1,
  warmUpMs: 5_000,
  countedMs: 60_000,
  observedPurges: 500,
};
