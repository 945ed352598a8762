import { app } from "@azure/functions";
import { theApp } from "../src/app.ts";
import { durableClient, everyMethod } from "./triggers.ts";

app.http("listRequests", {
  ...everyMethod,
  route: "api/requests",
  handler: (request, context) => theApp().listRequests(request, context),
});

app.http("request", {
  ...everyMethod,
  route: "api/requests/{requestId}",
  handler: (request, context) => theApp().request(request, context),
});

app.http("evidence", {
  ...everyMethod,
  route: "api/requests/{requestId}/evidence",
  handler: (request, context) => theApp().evidence(request, context),
});

app.http("approveRequest", {
  ...everyMethod,
  extraInputs: [durableClient],
  route: "api/requests/{requestId}/approve",
  handler: (request, context) => theApp().approveRequest(request, context),
});

app.http("denyRequest", {
  ...everyMethod,
  extraInputs: [durableClient],
  route: "api/requests/{requestId}/deny",
  handler: (request, context) => theApp().denyRequest(request, context),
});

app.http("revokeRequest", {
  ...everyMethod,
  extraInputs: [durableClient],
  route: "api/requests/{requestId}/revoke",
  handler: (request, context) => theApp().revokeRequest(request, context),
});

app.http("extendRequest", {
  ...everyMethod,
  extraInputs: [durableClient],
  route: "api/requests/{requestId}/extend",
  handler: (request, context) => theApp().extendRequest(request, context),
});

app.http("rebindRequest", {
  ...everyMethod,
  extraInputs: [durableClient],
  route: "api/requests/{requestId}/rebind",
  handler: (request, context) => theApp().rebindRequest(request, context),
});

app.http("reviewRequest", {
  ...everyMethod,
  extraInputs: [durableClient],
  route: "api/requests/{requestId}/review",
  handler: (request, context) => theApp().reviewRequest(request, context),
});
