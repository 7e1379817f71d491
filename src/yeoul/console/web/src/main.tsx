/** Starts the pages: one feed, one session, one language. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./design/tokens.css";
import "./design/base.css";
import "./parts/parts.css";
import { App } from "./shell/app";

const host = document.getElementById("app");
if (!host) throw new Error("index.html has no #app");
createRoot(host).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
