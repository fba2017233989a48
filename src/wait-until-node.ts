/** `waitUntil` where no platform ends a request: in Node, work runs as long as the process does. */
export function waitUntil(work: Promise<unknown>): void {
  void work;
}
