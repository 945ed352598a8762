// The one entry of the bundle: everything the Functions host should know is registered by these imports.
import "./policies.ts";
import "./access.ts";
import "./requests.ts";
import "./activity.ts";
import "./workflow.ts";
import "./sweep.ts";
import "./site.ts";
