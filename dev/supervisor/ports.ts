import { createServer } from "node:net";

/** Thrown if a port is in use. The message names the variable that sets the port. */
export class PortInUse extends Error {
  override readonly name = "PortInUse";
  constructor(port: number, variable: string) {
    super(`Port ${port} is in use by another program. Set ${variable} to choose another one.`);
  }
}

/** Rejects with {@link PortInUse} if the loopback port is in use. */
export async function assertFree(port: number, variable: string): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") throw new PortInUse(port, variable);
    throw new Error(`Port ${port} (${variable}) cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
  await new Promise((resolve) => server.close(resolve));
}
