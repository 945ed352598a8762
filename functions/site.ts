import { app } from "@azure/functions";
import { theApp } from "../src/app.ts";
import { everyMethod } from "./triggers.ts";

app.http("healthLive", {
  authLevel: "anonymous",
  methods: ["GET"],
  route: "api/health/live",
  handler: () => theApp().healthLive(),
});

app.http("healthReady", {
  authLevel: "anonymous",
  methods: ["GET"],
  route: "api/health/ready",
  handler: () => theApp().healthReady(),
});

app.http("nothingHere", {
  ...everyMethod,
  route: "{*path}",
  handler: () => theApp().nothingHere(),
});
