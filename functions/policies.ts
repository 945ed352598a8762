import { app } from "@azure/functions";
import { theApp } from "../src/app.ts";
import { durableClient, everyMethod } from "./triggers.ts";

const security = "providers/Microsoft.Security";
const policies = "jitNetworkAccessPolicies";
const subscription = "subscriptions/{subscriptionId}";
const group = `${subscription}/resourceGroups/{resourceGroup}`;

app.http("listPolicies", {
  ...everyMethod,
  route: `${subscription}/${security}/${policies}`,
  handler: (request, context) => theApp().listPolicies(request, context),
});

app.http("listPoliciesOfLocation", {
  ...everyMethod,
  route: `${subscription}/${security}/locations/{location}/${policies}`,
  handler: (request, context) => theApp().listPolicies(request, context),
});

app.http("listPoliciesOfGroup", {
  ...everyMethod,
  route: `${group}/${security}/${policies}`,
  handler: (request, context) => theApp().listPolicies(request, context),
});

app.http("listPoliciesOfGroupAndLocation", {
  ...everyMethod,
  route: `${group}/${security}/locations/{location}/${policies}`,
  handler: (request, context) => theApp().listPolicies(request, context),
});

app.http("policy", {
  ...everyMethod,
  extraInputs: [durableClient],
  route: `${group}/${security}/locations/{location}/${policies}/{name}`,
  handler: (request, context) => theApp().policy(request, context),
});
