import { app } from "@azure/functions";
import { theApp } from "../src/app.ts";
import { durableClient } from "./triggers.ts";

app.timer("sweep", {
  // Every minute, and at the start: what a crash left behind is closed within seconds.
  schedule: "0 * * * * *",
  runOnStartup: true,
  extraInputs: [durableClient],
  handler: (_timer, context) => theApp().sweep(context),
});

app.timer("healEveryGate", {
  // Every ten minutes, half a minute apart from the sweep, and at the start.
  schedule: "30 */10 * * * *",
  runOnStartup: true,
  handler: () => theApp().healEveryGate(),
});

app.timer("keepActivity", {
  // What is due once a day is looked for every hour, and at the start: a day on which the app slept through its hour has its anchor too.
  schedule: "45 17 * * * *",
  runOnStartup: true,
  handler: () => theApp().keepActivity(),
});
