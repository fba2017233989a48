/**
 * The entry `strata/admission`: the edge and the shared store get only entries that are read again:
 * `createStrata({ namespace: "shop", admission: secondRead() })`.
 */
export { secondRead, type SecondReadLimits } from "../compose/second-read.ts";
export type { Admission } from "../data/admission.ts";
