/** A page that fails says so and leaves the rest standing. */
import { Component, type ReactNode } from "react";
import { useWords } from "../messages/language";

export class Boundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    return this.state.failed ? <Failed /> : this.props.children;
  }
}

function Failed() {
  const { t } = useWords();
  return (
    <div role="alert">
      <p>{t("app.failed")}</p>
      <button type="button" className="button" onClick={() => location.reload()}>
        {t("app.reload")}
      </button>
    </div>
  );
}
