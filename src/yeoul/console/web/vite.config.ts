import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The address of a running console, for `npm run dev`.
const CONSOLE = process.env["YEOUL_CONSOLE"] ?? "http://127.0.0.1:8321";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    // Data addresses for fonts and pictures would need a weaker content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": { target: CONSOLE, ws: true } },
  },
  test: {
    environment: "node",
    include: ["test/**/*.test.{ts,tsx}"],
  },
});
