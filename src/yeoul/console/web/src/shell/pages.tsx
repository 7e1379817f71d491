/** Which address shows which page; all but the first are fetched when they are opened. */
import { lazy, type ReactNode } from "react";
import { useWords } from "../messages/language";
import { NowPage } from "../pages/now/now";
import { Link } from "./link";

const IncidentPage = lazy(() => import("../pages/incident/incident"));
const IncidentsPage = lazy(() => import("../pages/incidents/incidents"));
const PipelinePage = lazy(() => import("../pages/pipeline/pipeline"));
const DemoPage = lazy(() => import("../pages/demo/demo"));
export const SignIn = lazy(() => import("../pages/login/login"));

export const SECTIONS = ["now", "incidents", "pipeline", "demo"] as const;
export type Section = (typeof SECTIONS)[number];
export const ADDRESSES: Record<Section, string> = {
  now: "/",
  incidents: "/incidents",
  pipeline: "/pipeline",
  demo: "/demo",
};

export function pageAt(path: string): { section: Section | null; view: ReactNode } {
  if (path === "/") return { section: "now", view: <NowPage /> };
  if (path === "/incidents") return { section: "incidents", view: <IncidentsPage /> };
  if (path === "/pipeline") return { section: "pipeline", view: <PipelinePage /> };
  if (path === "/demo") return { section: "demo", view: <DemoPage /> };
  const incident = /^\/incidents\/([^/]+)$/.exec(path)?.[1];
  if (incident) {
    const id = decodeURIComponent(incident);
    return { section: "incidents", view: <IncidentPage key={id} id={id} /> };
  }
  return { section: null, view: <NoPage /> };
}

function NoPage() {
  const { t } = useWords();
  return (
    <>
      <h1 className="headline">{t("app.not_found")}</h1>
      <Link to="/">{t("nav.now")}</Link>
    </>
  );
}
