/** The part of socket.io-client that a test uses. `npm run test:apps` installs it; the repository type-checks without it. */
declare module "socket.io-client" {
  interface Socket {
    readonly io: { readonly engine: { readonly transport: { readonly name: string } } };
    timeout(ms: number): { emitWithAck(event: string): Promise<unknown> };
    close(): void;
  }
  export function io(
    url: string,
    options: {
      transports: readonly string[];
      extraHeaders: Readonly<Record<string, string>>;
      forceNew: boolean;
      reconnection: boolean;
    },
  ): Socket;
}
