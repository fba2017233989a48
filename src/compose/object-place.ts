/** The place of new Durable Objects: near the first caller, or a part of the world. */
export type ObjectPlace = "nearest" | DurableObjectLocationHint;

export const PLACES: readonly ObjectPlace[] = [
  ...(["nearest", "wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as const),
];
