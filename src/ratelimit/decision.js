/** Names each window of each account. `balances` are in the order of the accounts. */
export function standingsOf(asked, balances) {
  return asked.flatMap(({ policy, windows }, i) =>
    (balances[i] ?? []).map((balance) => ({
      policy: windowName(policy, windows.length, balance.window.label),
      balance,
    })),
  );
}
export function windowName(policy, windows, label) {
  return windows > 1 ? `${policy}-${label}` : policy;
}
/** The standings that a request did not get past. */
export function violated(standings) {
  return standings.filter(({ balance }) => balance.waitMs > 0);
}
/** How long until all of them let it pass; undefined if they never will. */
export function retryAfter(standings) {
  const waitMs = Math.max(0, ...standings.map(({ balance }) => balance.waitMs));
  return Number.isFinite(waitMs) ? waitMs : undefined;
}
