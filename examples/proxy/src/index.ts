import { env } from "cloudflare:workers";
import { createStrata } from "strata";
import { proxy } from "strata/proxy";

const { ORIGIN } = env as { readonly ORIGIN: string };

export default proxy(createStrata({ namespace: "proxy" }), { origin: new URL(ORIGIN) });
