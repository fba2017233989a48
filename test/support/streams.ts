export interface StreamOptions {
  readonly chunk?: number;
  readonly upTo?: number;
  readonly pauseMs?: number;
}

/** A body of `size` bytes in chunks. It breaks off after `upTo` bytes if that is less. It ends after `pauseMs`. */
export function streamOf(
  size: number,
  { chunk = 65_536, upTo = size, pauseMs = 0 }: StreamOptions = {},
): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (sent >= upTo) {
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
        if (upTo < size) controller.error(new Error("connection lost"));
        else controller.close();
        return;
      }
      const bytes = new Uint8Array(Math.min(chunk, upTo - sent)).fill(sent % 251);
      sent += bytes.byteLength;
      controller.enqueue(bytes);
    },
  });
}
