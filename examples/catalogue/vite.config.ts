import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Where the service listens. The page asks its own origin, so that it needs no setting and no CORS wherever it is put. */
const service = process.env.SERVICE_URL ?? "http://127.0.0.1:4000";
const proxy = { "/graphql": { target: service, ws: true } };

export default defineConfig({
  plugins: [react()],
  // consistent-fetch.ts stands beside this folder
  server: { host: "127.0.0.1", proxy, fs: { allow: [".."] } },
  preview: { host: "127.0.0.1", proxy },
});
