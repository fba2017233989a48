import { deferTo, type Context, type ContextOptions } from "../../core/context.ts";

/** The options of the context of a request. The region is found when it is first read. */
export interface RequestContextOptions extends Omit<
  ContextOptions,
  "region" | "child" | "hasLeft"
> {
  readonly region: () => string;
  readonly child: Context["child"];
  readonly hasLeft: Context["hasLeft"];
}

/**
 * The context of a request. A hit in memory needs no region, and to find it means to parse `request.cf`. The
 * getter is on a class (decision 20), so a copy by `...ctx` has no region; use `withEmit`.
 */
export class RequestContext implements Context {
  readonly now: Context["now"];
  readonly host: string;
  readonly emit: Context["emit"];
  readonly child: Context["child"];
  readonly hasLeft: Context["hasLeft"];
  readonly defer: Context["defer"];
  readonly #findRegion: () => string;
  #region: string | undefined;

  constructor({ now, host, region, waitUntil, emit, child, hasLeft }: RequestContextOptions) {
    this.now = now;
    this.host = host;
    this.emit = emit;
    this.child = child;
    this.hasLeft = hasLeft;
    this.defer = deferTo(waitUntil, emit);
    this.#findRegion = region;
  }

  get region(): string {
    return (this.#region ??= this.#findRegion());
  }
}
