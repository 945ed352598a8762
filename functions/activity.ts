import { app } from "@azure/functions";
import { theApp } from "../src/app.ts";
import { everyMethod } from "./triggers.ts";

app.http("activityNumbers", {
  ...everyMethod,
  route: "api/activity/numbers",
  handler: (request, context) => theApp().activityNumbers(request, context),
});

app.http("activity", {
  ...everyMethod,
  route: "api/activity",
  handler: (request, context) => theApp().activity(request, context),
});

app.http("exportActivity", {
  ...everyMethod,
  route: "api/activity/export",
  handler: (request, context) => theApp().exportActivity(request, context),
});

app.http("verifyActivity", {
  ...everyMethod,
  route: "api/activity/verify",
  handler: (request, context) => theApp().verifyActivity(request, context),
});
