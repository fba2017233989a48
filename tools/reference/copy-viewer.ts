/** `npm run prepare`, which `npm ci` runs: copies the viewer of the API reference among the assets. */
import { copyViewer } from "./viewer.ts";

copyViewer(process.cwd());
