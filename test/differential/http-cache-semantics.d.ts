/** As much of the package as is compared with; it brings no types of its own. */
declare module "http-cache-semantics" {
  interface Message {
    readonly headers: Readonly<Record<string, string>>;
  }
  export default class CachePolicy {
    constructor(
      request: Message & { readonly method: string; readonly url: string },
      response: Message & { readonly status: number },
      options: { readonly shared: boolean },
    );
    now(): number;
    storable(): boolean;
    timeToLive(): number;
  }
}
