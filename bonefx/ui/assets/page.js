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
        ["#films button", "aria-label", "Drop films or zip archives, or choose them"],
        ["#folder button", "aria-label", "Choose a folder"],
        ["#list-model", "aria-label", "Model"],
        ["#list-point", "aria-label", "Operating point"],
    ];
    const speak = () => {
        for (const [place, name, words] of spoken) {
            const part = document.querySelector(place);
            if (part && part.getAttribute(name) !== words) part.setAttribute(name, words);
        }
    };
    new MutationObserver(speak).observe(document.body, { childList: true, subtree: true });
    speak();
    // A film may be dropped anywhere; without this the browser would leave the page for it.
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
        event.preventDefault();
        event.stopPropagation();
        const places = document.querySelectorAll("#film input[type=file], #films input[type=file]");
        const input = [...places].find((place) => place.closest("button").offsetParent);
        if (!input || !event.dataTransfer.files.length) return;
        input.files = event.dataTransfer.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
    }, true);
    // The last verdict goes as soon as a file is handed over, whatever becomes of that file.
    document.addEventListener("change", (event) => {
        if (!event.target.matches("#film input[type=file]")) return;
        const files = [...event.target.files];
        const fits = files.length === 1 && files[0].size <= MAX_UPLOAD_MB * 1024 * 1024;
        document.querySelector(fits ? "#sent" : "#refused").click();
        if (fits) return;
        event.stopPropagation();
        event.target.value = "";
    }, true);
}
