import { app } from "@azure/functions";
import { theApp } from "../src/app.ts";
import { everyMethod } from "./triggers.ts";

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
