import { app } from "@azure/functions";
import { theApp } from "../src/app.ts";
import { everyMethod } from "./triggers.ts";

app.http("activity", {
  ...everyMethod,
  route: "api/activity",
  handler: (request, context) => theApp().activity(request, context),
});

app.http("verifyActivity", {
  ...everyMethod,
  route: "api/activity/verify",
  handler: (request, context) => theApp().verifyActivity(request, context),
});
