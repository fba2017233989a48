/** nginx and Varnish of Debian as caches before an origin, with one worker and a folder of their own. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, hasProgram, startServer } from "../support/processes.ts";

export interface CacheServer {
  readonly url: string;
  readonly pid: number;
  close(): Promise<void>;
}

interface Setup {
  readonly folder: string;
  readonly port: number;
  /** Host and port of the origin. */
  readonly origin: string;
}

export interface Peer {
  readonly name: string;
  readonly program: string;
  /** Writes the configuration, and returns the command that runs the server in the foreground. */
  readonly configure: (setup: Setup) => readonly [string, ...string[]];
}

/** Returns the configuration of nginx: one worker, the cache in files, which the kernel keeps in memory. */
function nginxConfig({ folder, port, origin }: Setup): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `  ${name}_temp_path ${folder}/${name};`,
  );
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 300s;
  keepalive_requests 100000000;
  open_file_cache max=1000 inactive=5m;
${temporary.join("\n")}
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=hits:10m max_size=256m inactive=1h use_temp_path=off;
  upstream origin { server ${origin}; keepalive 16; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache hits;
      proxy_cache_lock on;
      add_header X-Cache $upstream_cache_status;
    }
  }
}
`;
}

function varnishConfig({ origin }: Setup): string {
  const [host, port] = origin.split(":");
  return `vcl 4.1;
backend default { .host = "${host}"; .port = "${port}"; }
sub vcl_deliver {
  if (obj.hits > 0) { set resp.http.X-Cache = "HIT"; } else { set resp.http.X-Cache = "MISS"; }
}
`;
}

export const PEERS: readonly Peer[] = [
  {
    name: "nginx",
    program: "nginx",
    configure(setup) {
      const file = join(setup.folder, "nginx.conf");
      writeFileSync(file, nginxConfig(setup));
      return ["nginx", "-e", `${setup.folder}/error.log`, "-c", file];
    },
  },
  {
    name: "Varnish",
    program: "varnishd",
    configure(setup) {
      const file = join(setup.folder, "default.vcl");
      writeFileSync(file, varnishConfig(setup));
      const address = `127.0.0.1:${setup.port}`;
      return [
        ...(["varnishd", "-F", "-j", "none", "-n", join(setup.folder, "work")] as const),
        ...["-a", address, "-f", file, "-s", "malloc,256m", "-p", "thread_pools=1"],
      ];
    },
  },
];

export const isInstalled = ({ program }: Peer): boolean => hasProgram(program);

/** Starts a cache on one processor, before an origin on loopback. */
export async function startPeer(
  { configure }: Peer,
  originUrl: string,
  processor: number,
): Promise<CacheServer> {
  const folder = mkdtempSync(join(tmpdir(), "strata-proxy-"));
  // The workers of nginx run as another user if root starts it.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const origin = new URL(originUrl).host;
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const command = configure({ folder, port, origin });
    const server = await startServer(["taskset", "-c", `${processor}`, ...command], url);
    return {
      url,
      pid: server.pid,
      async close() {
        await server.close();
        removeFolder();
      },
    };
  } catch (error) {
    removeFolder();
    throw error;
  }
}
