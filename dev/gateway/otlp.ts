import { gunzipSync } from "node:zlib";
import { decodeJson, decodeProtobuf, SIGNALS, type Signal } from "../otlp/decode.ts";
import type { Answer } from "./http.ts";
import { json } from "./http.ts";
import type { Gateway, GatewayRequest } from "./server.ts";

/** Number of exports that the receiver keeps for each signal. */
const KEPT = 1_000;
/** Largest size of a body after decompression, in bytes. */
const MAX_BYTES = 10 * 1024 * 1024;

/**
 * Receives OTLP over HTTP: `POST /otlp/v1/<signal>` in protobuf or JSON, with or without gzip.
 * `GET` returns the received exports as OTLP/JSON, the oldest first. A body that cannot be decoded
 * gets 400.
 */
export function createOtlpGateway(): Gateway {
  const kept: Record<Signal, unknown[]> = { traces: [], metrics: [], logs: [] };

  return {
    name: "otlp",
    failure: (status, message) => json(status, { code: 13, message }),
    prepare(request) {
      const signal = SIGNALS.find((name) => request.path === `/v1/${name}`);
      if (signal === undefined)
        return json(404, { code: 5, message: `no such path: /otlp${request.path}` });
      if (request.method === "GET") return json(200, kept[signal]);
      if (request.method === "DELETE") {
        kept[signal] = [];
        return json(200, []);
      }
      if (request.method !== "POST")
        return json(405, { code: 12, message: "only POST, GET and DELETE are supported" });
      let value: unknown;
      try {
        value = decode(signal, request);
      } catch (error) {
        return json(400, {
          code: 3,
          message: error instanceof Error ? error.message : String(error),
        });
      }
      return {
        access: "write",
        execute: async () => {
          kept[signal].push(value);
          if (kept[signal].length > KEPT) kept[signal].shift();
          return taken(request);
        },
      };
    },
  };
}

function decode(signal: Signal, request: GatewayRequest): unknown {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "gzip" && encoding !== "identity")
    throw new TypeError(`unknown Content-Encoding ${encoding}`);
  const body =
    encoding === "gzip" ? gunzipSync(request.body, { maxOutputLength: MAX_BYTES }) : request.body;
  const type = mediaType(request);
  if (type === "application/json") return decodeJson(signal, body.toString());
  if (type === "application/x-protobuf") return decodeProtobuf(signal, body);
  throw new TypeError(`unknown Content-Type ${type}`);
}

/** Answers that everything was accepted: an empty message in the encoding of the request. */
function taken(request: GatewayRequest): Answer {
  const type = mediaType(request);
  return {
    status: 200,
    headers: { "content-type": type },
    body: type === "application/json" ? "{}" : "",
  };
}

function mediaType(request: GatewayRequest): string {
  return (request.headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase();
}
