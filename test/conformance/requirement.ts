import type { Proxy, ProxyOptions } from "./proxy.ts";

/** One demand of a standard on a shared cache, and the check that shows it is met. */
export interface Requirement {
  readonly rfc: 9110 | 9111 | 5861 | 8246 | 9211 | 9213 | 9875;
  readonly section: string;
  readonly level: "MUST" | "MUST NOT" | "SHOULD" | "SHOULD NOT" | "MAY";
  readonly rule: string;
  readonly check: (proxy: Proxy) => Promise<void>;
  readonly options?: ProxyOptions;
}

type Level = Requirement["level"];

/** Requirements of one document, section by section. */
export function of(rfc: Requirement["rfc"]) {
  return (
    section: string,
    level: Level,
    rule: string,
    check: Requirement["check"],
    options?: ProxyOptions,
  ): Requirement => ({ rfc, section, level, rule, check, ...(options && { options }) });
}
