/** The entry `strata/unstorage`: a driver for the storages of unstorage and Nitro. It needs the package `unstorage`. */
export { strataDriver, type StrataDriverOptions } from "../adapters/unstorage.ts";
