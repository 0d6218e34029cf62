() => {
    // Move the focus to a film that replaces the focused one, so that the keys keep working.
    const held = () => document.documentElement.matches(".film-held");
    const setHeld = (on) => document.documentElement.classList.toggle("film-held", on);
    window.bonefx.focusIfHeld = (stage) => {
        const active = document.activeElement;
        const free = active === document.body || !active?.checkVisibility();
        if (free && held()) stage.focus({ preventScroll: true });
    };
    document.addEventListener("hold-film", () => setHeld(true));
    document.addEventListener("focusin", (event) => setHeld(Boolean(event.target.closest(".stage"))));
    document.addEventListener("pointerdown", (event) => {
        if (!event.target.closest?.(".stage")) setHeld(false);
    });
}
