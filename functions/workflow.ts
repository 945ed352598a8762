import * as df from "durable-functions";
import { theApp } from "../src/app.ts";
import { accessRequest } from "../src/workflow/access-request.ts";
import { accessWindow } from "../src/workflow/access-window.ts";
import { followPolicy } from "../src/workflow/follow-policy.ts";
import { names } from "../src/workflow/names.ts";

df.app.orchestration(names.accessRequest, accessRequest);
df.app.orchestration(names.accessWindow, accessWindow);
df.app.orchestration(names.followPolicy, followPolicy);
df.app.activity(names.openWindows, { handler: (input) => theApp().openWindows(input) });
df.app.activity(names.lookAfterWindows, { handler: (input) => theApp().lookAfterWindows(input) });
df.app.activity(names.protectPolicy, { handler: (input) => theApp().protectPolicy(input) });
