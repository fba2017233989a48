/** The entry `strata/proxy`: an HTTP origin through the cache. It needs the package `hono`. */
export { passThrough, proxy, type ProxyOptions } from "../compose/proxy-layer.ts";
