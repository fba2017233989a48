import type { Proxy, ProxyOptions } from "./proxy.ts";

/** One requirement of an RFC on a shared cache, and the check that shows that this cache meets it. */
export interface Requirement {
  readonly rfc: 9110 | 9111 | 5861 | 8246 | 9211 | 9213 | 9875;
  readonly section: string;
  readonly level: "MUST" | "MUST NOT" | "SHOULD" | "SHOULD NOT" | "MAY";
  readonly rule: string;
  readonly check: (proxy: Proxy) => Promise<void>;
  readonly options?: ProxyOptions;
}

type Level = Requirement["level"];

/** Makes a function that defines requirements of one RFC. */
export function requirementsOf(rfc: Requirement["rfc"]) {
  return (
    section: string,
    level: Level,
    rule: string,
    check: Requirement["check"],
    options?: ProxyOptions,
  ): Requirement => ({ rfc, section, level, rule, check, ...(options && { options }) });
}
