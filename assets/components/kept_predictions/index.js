// Hands over what prediction_view has kept in this browser, if there is anything.

export default function ({ setTriggerValue }) {
  try {
    const kept = localStorage.getItem("predictions");
    if (kept) setTriggerValue("kept", kept);
  } catch {
    // A browser that keeps nothing: the session remembers, as long as it lasts.
  }
}
