import { Agent, request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly ms: number;
}

/** Fields of the connection. The runtime sets them by itself. */
export const OF_CONNECTION: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "transfer-encoding",
]);

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
/** Number of client addresses: enough that none reaches its limit of 100 requests per minute. */
const CLIENTS = 5_000;
/** The host name for all isolates. It is part of the edge tier's key. */
export const HOST = "shop.test";

/**
 * The text of `request.cf`, with the members that Cloudflare documents. The runtime of miniflare takes it from this field. It is
 * parsed when a Worker reads a member.
 */
const NETWORK = JSON.stringify({
  ...{ continent: "EU", country: "DE", isEUCountry: "1", region: "Hesse", regionCode: "HE" },
  ...{ city: "Frankfurt am Main", postalCode: "60313", timezone: "Europe/Berlin", colo: "FRA" },
  ...{
    latitude: "50.11552",
    longitude: "8.68417",
    asn: 64_500,
    asOrganization: "Example Networks",
  },
  ...{ httpProtocol: "HTTP/2", requestPriority: "weight=256;exclusive=1", clientTcpRtt: 12 },
  ...{ clientAcceptEncoding: "gzip, deflate, br", edgeRequestKeepAliveStatus: 1 },
  ...{ tlsVersion: "TLSv1.3", tlsCipher: "AEAD-AES128-GCM-SHA256", tlsClientHelloLength: "1782" },
  tlsClientRandom: "r".repeat(44),
  tlsClientExtensionsSha1: "s".repeat(28),
  tlsClientAuth: {
    ...{ certPresented: "0", certVerified: "NONE", certRevoked: "0", certSerial: "" },
    ...{ certIssuerDN: "", certSubjectDN: "", certIssuerDNRFC2253: "", certSubjectDNRFC2253: "" },
    ...{ certFingerprintSHA1: "", certFingerprintSHA256: "", certNotBefore: "", certNotAfter: "" },
  },
  tlsExportedAuthenticator: {
    ...{ clientFinished: "f".repeat(64), clientHandshake: "h".repeat(64) },
    ...{ serverHandshake: "h".repeat(64), serverFinished: "f".repeat(64) },
  },
  botManagement: { score: 99, verifiedBot: false, corporateProxy: false, staticResource: false },
});

interface Init {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/**
 * Sends one request, and measures from the first byte sent to the last byte received. A GET that meets a
 * connection which the server has just closed is sent once more.
 */
export async function ask(url: string, client: number, init: Init = {}): Promise<Answer> {
  try {
    return await send(url, client, init);
  } catch (error) {
    const isClosed = (error as NodeJS.ErrnoException).code === "ECONNRESET";
    if (!isClosed || init.method !== undefined) throw error;
    return send(url, client, init);
  }
}

function send(url: string, client: number, init: Init): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const id = client % CLIENTS;
  const address = `10.1.${id >> 8}.${id & 255}`;
  const headers = {
    host: HOST,
    "CF-Connecting-IP": address,
    "MF-CF-Blob": NETWORK,
    ...init.headers,
  };
  const startedAt = performance.now();
  const sent = request(url, { agent, method: init.method ?? "GET", headers }, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () =>
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: Buffer.concat(chunks).toString(),
        ms: performance.now() - startedAt,
      }),
    );
    response.on("error", reject);
  });
  sent.on("error", reject);
  sent.end(init.body);
  return promise;
}

/**
 * Runs `one` for each number below `count`, `width` at a time, and starts the next when one ends.
 */
export async function closedLoop(
  count: number,
  width: number,
  one: (at: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) await one(at);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

export function closeConnections(): void {
  agent.destroy();
}
