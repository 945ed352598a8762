import { app } from "@azure/functions";
import { theApp } from "../src/app.ts";
import { durableClient, everyMethod } from "./triggers.ts";

app.http("initiate", {
  ...everyMethod,
  extraInputs: [durableClient],
  route:
    "subscriptions/{subscriptionId}/resourceGroups/{resourceGroup}/providers/Microsoft.Security/locations/{location}/jitNetworkAccessPolicies/{name}/initiate",
  handler: (request, context) => theApp().initiate(request, context),
});

app.http("plan", {
  ...everyMethod,
  route:
    "subscriptions/{subscriptionId}/resourceGroups/{resourceGroup}/providers/Microsoft.Security/locations/{location}/jitNetworkAccessPolicies/{name}/plan",
  handler: (request, context) => theApp().plan(request, context),
});
