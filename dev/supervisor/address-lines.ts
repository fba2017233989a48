export interface Addresses {
  /** The URLs of the Worker instances. */
  readonly urls: readonly string[];
  readonly servicesUrl: string;
  /** True if the proxy serves the root, and with it all paths outside /__strata. */
  readonly originAtRoot: boolean;
  /** The admin token that was made for this run. Undefined if the environment sets one. */
  readonly madeToken: string | undefined;
}

/** The lines that `npm run dev` prints when every instance answers. */
export function addressLines(addresses: Addresses): string[] {
  const { urls, servicesUrl, originAtRoot, madeToken } = addresses;
  const [first, ...others] = urls;
  return [
    `Strata ready on ${first}`,
    ...(originAtRoot
      ? [`  dashboard      ${first}/__strata/dashboard`]
      : [
          `  front door     ${first}/`,
          `  shop demo      ${first}/demo`,
          `  dashboard      ${first}/dashboard`,
          `  API reference  ${first}/docs`,
        ]),
    ...others.map((url, index) => `  instance ${index + 2}     ${url}`),
    `  services       ${servicesUrl} (GET /counts, PUT /faults/<redis|sql|otlp>)`,
    ...(madeToken === undefined ? [] : [`  ADMIN_TOKEN    ${madeToken} (made for this run)`]),
  ];
}
