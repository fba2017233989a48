/** What the steps of a proxied request share. */
import type { Context } from "../../core/context.ts";
import type { Entry, LoadStamp } from "../../core/entry.ts";
import type { Policy } from "../../core/policy.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Forwarded } from "../cache/cache-status.ts";
import type { SharingRules } from "../cache/sharing-rules.ts";
import type { VariantTarget } from "../cache/store-variant.ts";
import type { LifetimeLimits } from "../rfc/lifetimes.ts";
import type { RequestControl } from "../rfc/request-control.ts";
import type { Arrivals } from "./arrivals.ts";
import type { ByteBudget } from "../../core/byte-budget.ts";
import type { FillMarkers } from "./fill-markers.ts";
import type { Forward } from "./forward.ts";
import type { FieldRules } from "./forwarded-fields.ts";
import type { Invalidate } from "../../engine/invalidation-retry.ts";

export interface ProxyOptions {
  readonly engine: Engine;
  readonly policy: Policy;
  readonly forward: Forward;
  readonly fieldRules: FieldRules;
  readonly limits: LifetimeLimits;
  readonly sharing: SharingRules;
  readonly maxBodyBytes: number;
  /** Bounds the bytes of the bodies that this isolate collects or has not delivered yet. */
  readonly bodiesInFlight: ByteBudget;
  /** The responses whose bodies are arriving. */
  readonly arrivals: Arrivals;
  readonly fillMarkers: FillMarkers;
  readonly invalidate: Invalidate;
}

export interface ProxiedRequest {
  readonly request: Request;
  /** The resource at the origin. */
  readonly url: URL;
  /** The origin as the client names it. Its cache groups are separate from those of other origins. */
  readonly groupScope: string;
  /** The key of the resource. */
  readonly primary: string;
  /** The client's fields as the origin gets them; made on the first call. */
  readonly forwardedFields: () => Headers;
  /** Whether HEAD, a condition or a range may make the origin send the whole response, to fill the cache. */
  readonly fillsCache: () => boolean;
  /** The kind of request for hit-for-miss markers: see flight-scope.ts. */
  readonly kindOf: () => string | undefined;
  /** The request directives that count. */
  readonly control: RequestControl;
  readonly ctx: Context;
}

/** What a load leaves for the client whose request caused it. */
export interface ClientResult {
  /** A response for this client alone. */
  response?: Response;
  /** The client wants a part, and the whole response cannot be stored to take it from. */
  lacksPart?: true;
  /** The response was stored under another key than the one that was looked up. */
  storedElsewhere?: boolean;
  /** The entry that answers, if it is stored under another key than the one that was looked up. */
  entry?: Entry;
  /** Response fields for this client alone, beside the stored ones (RFC 9111, 5.2.2.7). */
  privateFields?: readonly (readonly [name: string, value: string])[];
  /** How the origin answered; undefined if it was not asked. */
  forwarded?: Forwarded;
  /** Resolves with a response whose body is still arriving; undefined for a refresh, which has no client. */
  readonly streaming?: PromiseWithResolvers<Response>;
  /** Settles when the load's result has been stored. */
  readonly whenStored: () => Promise<unknown>;
}

/** For a refresh, which has no client. */
export function createRefreshResult(): ClientResult {
  return { whenStored: () => Promise.resolve() };
}

/** One load from the origin. */
export interface OriginLoad {
  readonly options: ProxyOptions;
  readonly proxied: ProxiedRequest;
  readonly result: ClientResult;
  /** The lookup that the load belongs to. */
  readonly target: VariantTarget;
  /** The log position and the time before the origin was asked. */
  readonly began: Omit<LoadStamp, "storedAt">;
  /** Why the request goes to the origin (RFC 9211, 2.2). */
  readonly reason: Forwarded["fwd"];
}
