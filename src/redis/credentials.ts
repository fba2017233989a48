/** Returns what is wrong with the address and the token of Redis. The texts hold neither. */
export function credentialProblems(url: unknown, token: unknown): string[] {
  return [
    ...(typeof url === "string" && /^https?:\/\/[^@]+$/.test(url) && URL.canParse(url)
      ? []
      : ["url: must be an http or https URL without credentials"]),
    ...(typeof token === "string" && token.length > 0 ? [] : ["token: must not be empty"]),
  ];
}
