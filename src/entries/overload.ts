/**
 * The entry `strata/overload`: loads whose number follows how the origin answers, and a queue that refuses
 * loads early: `createStrata({ namespace: "shop", origin: { overload } })`.
 */
export { overload } from "../compose/overload.ts";
export type { CreateSlots } from "../core/origin-slots.ts";
