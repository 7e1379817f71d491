/** Page *Demo*: plant an incident in the simulated service and watch it being found. */
import { useTopic } from "../../live/hooks";
import type { Demo } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { PlantForm } from "./plant-form";
import { PlantedList } from "./planted-list";
import "./demo.css";

export default function DemoPage() {
  const { t } = useWords();
  const { data, error, updates } = useTopic<Demo>("demo");
  if (error && !data) return <p>{t("demo.none")}</p>;
  if (!data) return <p className="note">{t("app.loading")}</p>;
  return (
    <div data-testid="demo" data-updated={updates}>
      <h1 className="headline">{t("demo.title")}</h1>
      <p className="demo__lead">{t("demo.lead")}</p>
      <div className="columns">
        <PlantForm kinds={data.kinds} />
        <PlantedList planted={data.planted} />
      </div>
    </div>
  );
}
