import type { Bindings } from "../src/config/bindings.ts";

declare global {
  namespace Cloudflare {
    /** What `import { env } from "cloudflare:workers"` holds in a test. */
    interface Env extends Bindings {
      readonly DATABASE_URL: string;
      readonly NEON_ENDPOINT: string;
      readonly UPSTASH_REDIS_REST_URL: string;
      readonly UPSTASH_REDIS_REST_TOKEN: string;
      readonly ADMIN_TOKEN: string;
      /** The local services' own address: counts and faults. */
      readonly SERVICES_URL: string;
      /** The objects of the shared store of `strata/durable`. */
      readonly STRATA: DurableObjectNamespace;
      /** The objects of the ledger of `strata/durable`. */
      readonly LEDGER: DurableObjectNamespace;
      /** The objects of the sessions of `strata/durable`. */
      readonly SESSIONS: DurableObjectNamespace;
    }
    /** Types `exports` of "cloudflare:workers": the Worker under test. */
    interface GlobalProps {
      mainModule: typeof import("./support/worker.ts");
      durableNamespaces:
        | "AnswerObject"
        | "FlightShard"
        | "MetricsShard"
        | "OutboxAlarm"
        | "RegionLog"
        | "SlotGrants"
        | "StrataLedger"
        | "StrataSessions"
        | "StrataStore"
        | "TopicObject";
    }
  }
}
