() => {
    document.documentElement.lang = "en";
    window.setMapOpacity = (value) =>
        document.documentElement.style.setProperty("--map", value);
    // What gradio does not let Python say to a screen reader.
    const spoken = [
        ["#verdict", "aria-live", "polite"],
        ["#film button", "aria-label", "Drop a film or choose a file"],
        ["#point", "aria-label", "Operating point"],
        ["#model", "aria-label", "Model"],
        ["#opacity input[type=range]", "aria-label", "Map opacity"],
        ["#compare-sides", "aria-live", "polite"],
        ["#compare-film button", "aria-label", "Drop a film or choose a file"],
        ["#compare-models", "aria-label", "Models to compare"],
        ["#compare-opacity input[type=range]", "aria-label", "Map opacity"],
        ["#card-model", "aria-label", "Model"],
    ];
    const speak = () => {
        for (const [place, name, words] of spoken) {
            const part = document.querySelector(place);
            if (part && part.getAttribute(name) !== words) part.setAttribute(name, words);
        }
    };
    new MutationObserver(speak).observe(document.body, { childList: true, subtree: true });
    speak();
    // Screens that take one film: what their #film, #sent and #refused begin with.
    const screens = ["", "compare-"];
    const zone = (screen) => document.querySelector(`#${screen}film`);
    // A film may be dropped anywhere; without this the browser would leave the page for it.
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
        event.preventDefault();
        event.stopPropagation();
        const shown = screens.find((screen) => zone(screen)?.checkVisibility());
        const input = shown !== undefined && zone(shown).querySelector("input[type=file]");
        if (!input || !event.dataTransfer.files.length) return;
        input.files = event.dataTransfer.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
    }, true);
    // The last verdict goes as soon as a file is handed over, whatever becomes of that file.
    document.addEventListener("change", (event) => {
        const screen = screens.find((screen) => zone(screen)?.contains(event.target));
        if (screen === undefined || event.target.type !== "file") return;
        const files = [...event.target.files];
        const fits = files.length === 1 && files[0].size <= MAX_UPLOAD_MB * 1024 * 1024;
        document.querySelector(`#${screen}${fits ? "sent" : "refused"}`).click();
        if (fits) return;
        event.stopPropagation();
        event.target.value = "";
    }, true);
}
