import { app } from "@azure/functions";
import { theApp } from "../src/app.ts";
import { everyMethod } from "./triggers.ts";

app.http("healthLive", {
  authLevel: "anonymous",
  methods: ["GET"],
  route: "api/health/live",
  handler: (request) => theApp().healthLive(request),
});

app.http("healthReady", {
  authLevel: "anonymous",
  methods: ["GET"],
  route: "api/health/ready",
  handler: (request) => theApp().healthReady(request),
});

app.http("nothingHere", {
  ...everyMethod,
  route: "{*path}",
  handler: (request) => theApp().nothingHere(request),
});
