import type { SessionTables } from "./session-tables.ts";

type Operation = Exclude<keyof SessionTables, "removeExpired" | "isEmpty">;

/** The methods that isolates call. */
export type SessionRpc = {
  [Name in Operation]: (
    ...args: Parameters<SessionTables[Name]>
  ) => Promise<ReturnType<SessionTables[Name]>>;
};
