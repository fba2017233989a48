/** Starts the viewer on the OpenAPI document of this Worker. */

const dark = matchMedia("(prefers-color-scheme: dark)");
/** The viewer has its dark colours under this class. */
const followTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
followTheme();
dark.addEventListener("change", followTheme);

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  presets: [SwaggerUIBundle.presets.apis],
  // A link to an operation opens it.
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  filter: true,
  defaultModelsExpandDepth: 0,
  // The default sends the document to a service on another host.
  validatorUrl: null,
});
