/** The Worker, with the classes that only Workers of the package export. */
export * from "../../src/worker.ts";
export { default } from "../../src/worker.ts";
export { StrataLedger, StrataSessions, StrataStore } from "../../src/entries/durable.ts";
