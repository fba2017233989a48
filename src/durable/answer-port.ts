/** Sends a request to the object of a key. The object answers with a stream. */
export interface AnswerStub {
  fetch(url: string, init: RequestInit): Promise<Response>;
}

/** The address is not resolved: the stub is bound to its object. */
const URL_OF_OBJECT = "https://answer.invalid/";

export function createAskHost(
  stub: (name: string, region: string) => AnswerStub,
): (
  request: { readonly namespace: string; readonly key: string },
  region: string,
) => Promise<Response> {
  return (request, region) =>
    stub(`${request.namespace}:${request.key}`, region).fetch(URL_OF_OBJECT, {
      method: "POST",
      body: JSON.stringify(request),
    });
}
